import { Type } from 'typebox';

/** Nothing beyond what the kit asks of every service. */
export const config = Type.Object({});
