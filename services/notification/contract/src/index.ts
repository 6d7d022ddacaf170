export * from './contract.js';
export * from './errors.js';
export {
  NoticeDefinition,
  NoticeText,
  type NoticeValues,
  NotificationRequested,
  noticeRequest,
  type RequestableKind,
  securityAlert,
  type ValueType,
} from './requested.js';
