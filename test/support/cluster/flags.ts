import path from 'node:path';
import { FRONT_PROXY_NAME, type Identity, type ServiceNetwork } from './identity.ts';

export interface Ports {
  api: number;
  etcd: number;
  etcdPeer: number;
}

export interface AutoscalerTimes {
  /** How often kube-controller-manager looks at each HPA; Kubernetes' default is 15. */
  syncPeriodSeconds: number;
  /** For how long it remembers higher recommendations; Kubernetes' default is 300. */
  downscaleStabilizationSeconds: number;
}

/** The defaults (20 and 30) are made for clusters that are not created and thrown away within a minute. */
const QUICK = ['--kube-api-qps=500', '--kube-api-burst=1000'];

const etcdUrl = (port: number) => `http://127.0.0.1:${port}`;

export function etcdFlags(folder: string, { etcd, etcdPeer }: Ports): string[] {
  return [
    `--data-dir=${path.join(folder, 'etcd')}`,
    `--listen-client-urls=${etcdUrl(etcd)}`,
    `--advertise-client-urls=${etcdUrl(etcd)}`,
    `--listen-peer-urls=${etcdUrl(etcdPeer)}`,
    `--initial-advertise-peer-urls=${etcdUrl(etcdPeer)}`,
    `--initial-cluster=default=${etcdUrl(etcdPeer)}`,
    // The data need not survive a crash of the machine.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

/**
 * An aggregated API (or webhook) that runs in the test's own process is reached through a Service of type ExternalName
 * that names `localhost`: an Endpoints or EndpointSlice object may not hold a loopback address (Kubernetes:
 * pkg/apis/core/validation, ValidateNonSpecialIP), but without `--enable-aggregator-routing` kube-apiserver calls
 * `externalName:port`, the port being the one that the APIService names (staging/src/k8s.io/apiserver/pkg/util/proxy,
 * ResolveCluster), and still expects a certificate for `<service>.<namespace>.svc`.
 */
export function apiServerFlags(identity: Identity, { api, etcd }: Ports, services: ServiceNetwork): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--secure-port=${api}`,
    `--etcd-servers=${etcdUrl(etcd)}`,
    `--tls-cert-file=${identity.file('apiserver.crt')}`,
    `--tls-private-key-file=${identity.file('apiserver.key')}`,
    `--client-ca-file=${identity.file('ca.crt')}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    `--service-cluster-ip-range=${services.range}`,
    // No pod can reach us; and a loopback address may not stand in the endpoints of `kubernetes`.
    '--endpoint-reconciler-type=none',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${identity.file('service-accounts.pub')}`,
    `--service-account-signing-key-file=${identity.file('service-accounts.key')}`,
    `--proxy-client-cert-file=${identity.file('front-proxy.crt')}`,
    `--proxy-client-key-file=${identity.file('front-proxy.key')}`,
    `--requestheader-client-ca-file=${identity.file('front-proxy-ca.crt')}`,
    `--requestheader-allowed-names=${FRONT_PROXY_NAME}`,
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    '--profiling=false',
  ];
}

export function controllerManagerFlags(identity: Identity, kubeconfig: string, times: AutoscalerTimes): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    // Serves nothing.
    '--secure-port=0',
    '--leader-elect=false',
    ...QUICK,
    '--use-service-account-credentials=true',
    `--root-ca-file=${identity.file('ca.crt')}`,
    `--service-account-private-key-file=${identity.file('service-accounts.key')}`,
    `--cluster-signing-cert-file=${identity.file('ca.crt')}`,
    `--cluster-signing-key-file=${identity.file('ca.key')}`,
    `--horizontal-pod-autoscaler-sync-period=${times.syncPeriodSeconds}s`,
    `--horizontal-pod-autoscaler-downscale-stabilization=${times.downscaleStabilizationSeconds}s`,
    '--profiling=false',
  ];
}

export function schedulerFlags(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, '--secure-port=0', '--leader-elect=false', ...QUICK, '--profiling=false'];
}
