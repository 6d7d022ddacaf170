export { type BackOff, backOffMs, fullyJittered, jittered } from './back-off.js';
export { aborted, DeadlineError, withDeadline, withFallback } from './deadline.js';
export { after } from './timer.js';
