/** A pod as a Deployment's template makes them, about 2.9 KB as JSON; it asks for no scheduling and pulls nothing. */
export function podBody(
  name: string,
  namespace: string,
  options: { readonly schedulerName?: string } = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { app: 'load', tier: `t${name.length % 4}`, 'pod-template-hash': '5d4f8c7b9' },
      annotations: { 'load.trireme.dev/note': 'x'.repeat(600), 'load.trireme.dev/owner': 'team-a' },
    },
    spec: {
      schedulerName: options.schedulerName ?? 'nobody',
      serviceAccountName: 'default',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      restartPolicy: 'Always',
      containers: [container('web', 8080), container('sidecar', 9090)],
      volumes: [
        { name: 'config', configMap: { name: 'load-config', defaultMode: 420 } },
        { name: 'scratch', emptyDir: {} },
      ],
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'load', effect: 'NoSchedule' }],
    },
  });
}

function container(name: string, port: number): object {
  return {
    name,
    image: `registry.example/${name}:1.2.3`,
    imagePullPolicy: 'IfNotPresent',
    ports: [{ name: `${name}-http`, containerPort: port, protocol: 'TCP' }],
    env: Array.from({ length: 6 }, (_, i) => ({
      name: `SETTING_${i}`,
      value: `value-${i}-${'y'.repeat(20)}`,
    })),
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/load', readOnly: true },
      { name: 'scratch', mountPath: '/tmp/load' },
    ],
    readinessProbe: { httpGet: { path: '/ready', port }, periodSeconds: 10, timeoutSeconds: 1 },
  };
}
