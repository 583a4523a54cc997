import { parseTime } from '../decode/time.js';
import type { TableColumn } from '../types.js';
import { humanDuration } from './duration.js';

export const nameColumn: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  cell: (object) => object.metadata.name ?? '',
};

/** "5m", or `<unknown>` where there is no time. */
export function ageOf(time: string | undefined, nowSeconds: number): string {
  const since = time === undefined ? undefined : parseTime(time);
  return since === undefined ? '<unknown>' : humanDuration(nowSeconds - since);
}

export const ageColumn: TableColumn = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  cell: (object, nowSeconds) => ageOf(object.metadata.creationTimestamp, nowSeconds),
};

/** What kinds without columns of their own show: `kubectl` prints the date as an age. */
export const defaultColumns: readonly TableColumn[] = [
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    description: 'Time at which the server created the object.',
    cell: (object) => object.metadata.creationTimestamp ?? '',
  },
];

/** A column of text; priority 1 is shown with -o wide. */
export function text(name: string, cell: TableColumn['cell'], priority = 0): TableColumn {
  return { name, type: 'string', priority, cell };
}

export function integer(name: string, cell: TableColumn['cell'], priority = 0): TableColumn {
  return { name, type: 'integer', priority, cell };
}

export function orNone(value: string | undefined): string {
  return value === undefined || value === '' ? '<none>' : value;
}
