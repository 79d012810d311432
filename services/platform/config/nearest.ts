/** The known word a mistyped one was probably meant to be; core's own checks use it too. */
export { nearest, suggestion } from '../../core/monitor/nearest.ts';
