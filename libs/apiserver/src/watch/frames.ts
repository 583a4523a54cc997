import type { KubernetesObject, ResourceDeclaration, Status } from '#libs/apimachinery';
import type { KeyValue, Revision } from '#libs/consensus';
import { encodeAny, encodeSource, wrapFrame, type TableOptions } from '../handler/forms.js';
import type { OutputForm } from '../handler/negotiate.js';
import { departedSource, objectSource, storedSource, type Source } from '../handler/source.js';
import type { DecodedCache } from '../registry/decoded-cache.js';
import { servedObject } from '../registry/served.js';
import type { Selection } from '../registry/selection.js';
import type { StreamSink } from '../request.js';
import type { HubEvent } from './hub.js';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
type Frame = Parameters<StreamSink['write']>[0];

/** Makes the frames of one watch: bytes in its form, or objects for callers in this process. */
export interface FrameMaker {
  stored(type: EventType, keyValue: KeyValue): Frame;
  event(type: EventType, event: HubEvent): Frame;
  /** DELETED with the previous state at the event's revision. */
  departed(event: HubEvent): Frame;
  bookmark(revision: Revision, initialEventsEnd: boolean): Frame;
  error(status: Status): Frame;
  selected(selection: Selection, keyValue: KeyValue): boolean;
}

function bookmarkObject(
  declaration: ResourceDeclaration,
  revision: Revision,
  initialEventsEnd: boolean,
): KubernetesObject {
  const { group, version, kind } = declaration;
  return {
    kind,
    apiVersion: group === '' ? version : `${group}/${version}`,
    metadata: {
      resourceVersion: String(revision),
      ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  };
}

/** Frames for callers that take decoded objects. */
export function objectFrames(decoded: DecodedCache, declaration: ResourceDeclaration): FrameMaker {
  const of = (keyValue: KeyValue) => servedObject(decoded, keyValue, declaration);
  return {
    stored: (type, keyValue) => ({ type, object: of(keyValue) }),
    event: (type, event) => ({ type, object: of(event.current!) }),
    departed: (event) => ({
      type: 'DELETED',
      object: departedSource(decoded, event.previous!, event.revision, declaration).object(),
    }),
    bookmark: (revision, end) => ({
      type: 'BOOKMARK',
      object: bookmarkObject(declaration, revision, end),
    }),
    error: (status) => ({ type: 'ERROR', object: status }),
    selected: (selection, keyValue) => selection.matches(of(keyValue)),
  };
}

/** Frames for clients on the wire, shared between all watches of one form through the events. */
export function byteFrames(
  decoded: DecodedCache,
  declaration: ResourceDeclaration,
  form: OutputForm,
  tables: TableOptions,
): FrameMaker {
  const formKey = `${declaration.group}/${declaration.version} ${form.key} ${form.as === 'table' ? tables.includeObject : ''} `;
  const encode = (type: EventType, source: Source) =>
    wrapFrame(form, type, encodeSource(form, source, declaration, tables));
  const shared = (type: EventType, event: HubEvent, source: () => Source): Uint8Array => {
    const key = formKey + type;
    let frame = event.frames.get(key);
    if (frame === undefined) {
      frame = encode(type, source());
      event.frames.set(key, frame);
    }
    return frame;
  };
  return {
    stored: (type, keyValue) => encode(type, storedSource(decoded, keyValue, declaration)),
    event: (type, event) => shared(type, event, () => storedSource(decoded, event.current!, declaration)),
    departed: (event) =>
      shared('DELETED', event, () => departedSource(decoded, event.previous!, event.revision, declaration)),
    bookmark: (revision, end) => {
      const object = bookmarkObject(declaration, revision, end);
      return wrapFrame(form, 'BOOKMARK', encodeSource(form, objectSource(object), declaration, tables));
    },
    error: (status) => wrapFrame(form, 'ERROR', encodeAny(form, status)),
    selected: (selection, keyValue) => selection.matches(servedObject(decoded, keyValue, declaration)),
  };
}
