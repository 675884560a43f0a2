import { RelayError } from '@relaykit/types';

export function closedError(operation: string): RelayError<'RELAY_CLOSED'> {
  return new RelayError('RELAY_CLOSED', `Cannot ${operation}: the object is closed; create another one.`, {
    operation,
  });
}
