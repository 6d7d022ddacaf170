import { notification } from '@warren/notification-service';
import { payment } from '@warren/payment-service';
import { user } from '@warren/user-service';
import { hosted } from './hosted-service.js';

/**
 * The picture: three services, each with a port, a namespace and a database of its own, that tell each other what
 * happened over one bus. They start in this order, and stop in the reverse one.
 */
export const services = [
  hosted(user, { program: '@warren/user-service' }),
  hosted(payment, { program: '@warren/payment-service' }),
  hosted(notification, { program: '@warren/notification-service' }),
];
