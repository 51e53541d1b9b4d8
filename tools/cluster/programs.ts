/** A program of the control plane, as `go build` makes it. */
export interface Program {
  name: string;
  /** The import path of its main package; go.mod lists it as a tool. */
  pkg: string;
  /** What `go build` cannot know without a git checkout: package-level variables that carry the version. */
  variables: (versions: ModuleVersions) => Record<string, string>;
  /** Built only on request. */
  optional?: boolean;
}

/** Versions of required modules by module path, as go.mod has them: `v1.36.3`. */
export type ModuleVersions = (module: string) => string;

function kubernetes(name: string, options: { optional?: boolean } = {}): Program {
  return {
    name,
    pkg: `k8s.io/kubernetes/cmd/${name}`,
    variables(versions) {
      const gitVersion = versions('k8s.io/kubernetes');
      const [gitMajor = '', gitMinor = ''] = gitVersion.slice(1).split('.');
      const of = (pkg: string) => ({
        [`${pkg}.gitVersion`]: gitVersion,
        [`${pkg}.gitMajor`]: gitMajor,
        [`${pkg}.gitMinor`]: gitMinor,
        [`${pkg}.gitTreeState`]: 'clean',
      });
      // Kubernetes' own build sets both: the second one makes the user agent of client-go.
      return { ...of('k8s.io/component-base/version'), ...of('k8s.io/client-go/pkg/version') };
    },
    ...options,
  };
}

/** In the order in which they are built: the long one first, so that the rest finds its packages compiled. */
export const PROGRAMS: readonly Program[] = [
  kubernetes('kube-apiserver'),
  kubernetes('kube-controller-manager'),
  kubernetes('kube-scheduler'),
  kubernetes('kubectl'),
  { name: 'etcd', pkg: 'go.etcd.io/etcd/server/v3', variables: () => ({}) },
  { name: 'kwok', pkg: 'sigs.k8s.io/kwok/cmd/kwok', variables: () => ({}) },
  {
    name: 'helm',
    pkg: 'helm.sh/helm/v4/cmd/helm',
    variables: (versions) => ({
      'helm.sh/helm/v4/internal/version.version': versions('helm.sh/helm/v4'),
      'helm.sh/helm/v4/internal/version.gitTreeState': 'clean',
    }),
  },
  kubernetes('kube-proxy', { optional: true }),
  kubernetes('kubelet', { optional: true }),
];
