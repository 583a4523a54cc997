import type { Operation } from './operation.js';

/** A value that the window of a history does not tell: the first read decides it. */
export const anyValue = Symbol('any value');

const unknownRevision = -1;

/** The sequential model of one key: what it holds, and the revision of its last write. */
export interface Register {
  readonly value: string | undefined | typeof anyValue;
  /** 0 where there is no such key; -1 where the last write's revision was not told to anyone yet. */
  readonly revision: number;
  /** Every later write has a higher revision than this. */
  readonly floor: number;
}

export const emptyRegister: Register = { value: undefined, revision: 0, floor: 0 };

/** What is known of a key in the middle of a history: nothing. */
export const anyRegister: Register = { value: anyValue, revision: unknownRevision, floor: 0 };

/**
 * The register after the operation, the same object where it told and changed nothing, or undefined where the operation
 * could not have returned what it did. An operation of unknown outcome is stepped as the write that it may have been.
 */
export function step(register: Register, operation: Operation): Register | undefined {
  switch (operation.kind) {
    case 'put':
      return write(register, operation.value, operation.result?.revision);
    case 'get':
      return operation.result === undefined ? register : read(register, operation.result);
    case 'delete':
      return remove(register, operation.result);
    case 'compareAndPut':
      if (operation.result?.applied === false) return refuse(register, operation.expectedRevision);
      return mayMatch(register, operation.expectedRevision)
        ? write(register, operation.value, operation.result?.revision)
        : undefined;
  }
}

function write(register: Register, value: string, revision: number | undefined): Register | undefined {
  if (revision === undefined) return { value, revision: unknownRevision, floor: register.floor };
  return revision > register.floor ? { value, revision, floor: revision } : undefined;
}

function read(
  register: Register,
  result: { readonly value: string | undefined; readonly revision?: number },
): Register | undefined {
  if (register.value !== anyValue && register.value !== result.value) return undefined;
  if (result.value === undefined) return absent(register);
  const { revision } = result;
  if (revision === undefined) {
    return register.value === result.value ? register : { ...register, value: result.value };
  }
  if (register.revision === unknownRevision) {
    return revision > register.floor ? { value: result.value, revision, floor: revision } : undefined;
  }
  return revision === register.revision ? register : undefined;
}

function remove(
  register: Register,
  result: { readonly existed: boolean; readonly revision?: number } | undefined,
): Register | undefined {
  const existed = register.value === anyValue ? result?.existed : register.value !== undefined;
  if (result !== undefined && result.existed !== existed) return undefined;
  if (existed === false) return absent(register);
  const revision = result?.revision;
  if (revision !== undefined && revision <= register.floor) return undefined;
  return { value: undefined, revision: 0, floor: revision ?? register.floor };
}

function absent(register: Register): Register {
  return register.value === undefined ? register : { ...register, value: undefined, revision: 0 };
}

function mayMatch(register: Register, expected: number): boolean {
  if (register.revision !== unknownRevision) return register.revision === expected;
  if (expected === 0) return register.value === anyValue;
  return expected > register.floor;
}

/** A comparison that did not hold: impossible only where the register certainly was as expected. */
function refuse(register: Register, expected: number): Register | undefined {
  return register.revision !== unknownRevision && register.revision === expected ? undefined : register;
}
