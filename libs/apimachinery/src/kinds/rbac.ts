import { defineKind } from '../scheme/define-kind.js';
import { pathSegment } from './common/names.js';

const group = 'rbac.authorization.k8s.io';

export const role = defineKind({ group, resource: 'roles', name: pathSegment });
export const clusterRole = defineKind({ group, resource: 'clusterroles', name: pathSegment });
export const roleBinding = defineKind({ group, resource: 'rolebindings', name: pathSegment });
export const clusterRoleBinding = defineKind({ group, resource: 'clusterrolebindings', name: pathSegment });
