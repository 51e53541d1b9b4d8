import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Machine, NAMESPACES } from '../../../tools/cluster/machine.ts';
import { IDLE_IMAGE } from './images.ts';
import { firstOf, type Network } from './network.ts';

export interface NodeFiles {
  folder: string;
  /** Folder with kubelet and kube-proxy. */
  binFolder: string;
  name: string;
  machine: Machine;
  network: Network;
  kubeletKubeconfig: string;
  proxyKubeconfig: string;
  images: readonly ImageFile[];
}

export interface ImageFile {
  file: string;
  /** The name without a tag, which the file holds itself. */
  name: string;
}

/**
 * What `unshare --net` runs: a network namespace that waits for its cable, then goes into a cgroup of its own in each
 * hierarchy, and becomes the node.
 */
export const holdNetwork = (folder: string, cgroup: string): string => `
set -e
until [ -e '${folder}/go' ]; do sleep 0.1; done
for at in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -e $at/cgroup.procs ] || continue
  mkdir $at/${cgroup}
  # A set of processors is born empty, and takes no process before it has some.
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e $at/$file ] || cat $at/$file > $at/${cgroup}/$file
  done
  echo $$ > $at/${cgroup}/cgroup.procs
  # The folders below are groups of this one hierarchy, not other hierarchies.
  [ $at != /sys/fs/cgroup ] || break
done
exec unshare ${NAMESPACES.join(' ')} bash '${folder}/node.sh'`;

export async function writeNodeFiles(files: NodeFiles): Promise<void> {
  const { folder } = files;
  for (const name of ['cni', 'containerd', 'kubelet', 'pod-logs', 'plugins']) await mkdir(path.join(folder, name));
  const json = (name: string, content: object) => writeFile(path.join(folder, name), JSON.stringify(content));
  await writeFile(path.join(folder, 'containerd.toml'), containerdConfig(files));
  await json('cni/10-bridge.conflist', cniConfig(files.network));
  await json('kubelet.yaml', kubeletConfig(files));
  await json('kube-proxy.yaml', proxyConfig(files));
  await writeFile(path.join(folder, 'node.sh'), nodeScript(files));
}

const containerdConfig = ({ folder, machine }: NodeFiles) => `
version = 2
root = "${folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IDLE_IMAGE}"
  # Without CAP_SYS_RESOURCE nobody may make a process less likely to be killed than it is itself.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "${machine.snapshotter}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${machine.cniFolder}"
  conf_dir = "${folder}/cni"
`;

const cniConfig = ({ pods }: Network) => ({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'pods',
      isGateway: true,
      // So that a pod may reach itself through its Service.
      hairpinMode: true,
      ipam: { type: 'host-local', dataDir: '/run/cni', ranges: [[{ subnet: pods }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
});

const kubeletConfig = ({ folder, network }: NodeFiles) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: network.node,
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  // Only this machine reaches it.
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  // Machines that are containers or small VMs themselves: cgroup v1, no systemd, limits that are not ours to set.
  failCgroupV1: false,
  cgroupDriver: 'cgroupfs',
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  localStorageCapacityIsolation: false,
  failSwapOn: false,
  oomScoreAdj: 0,
  // A full disk is the machine's concern.
  evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
  imageGCHighThresholdPercent: 100,
  resolvConf: '',
  podLogsDir: `${folder}/pod-logs`,
  volumePluginDir: `${folder}/plugins`,
  clusterDNS: [firstOf(network.services).replace(/1$/, '10')],
  clusterDomain: 'cluster.local',
  // A busy machine is no reason to see a change a minute later.
  syncFrequency: '5s',
  nodeStatusUpdateFrequency: '5s',
  shutdownGracePeriod: '0s',
});

const proxyConfig = ({ name, network, proxyKubeconfig }: NodeFiles) => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  hostnameOverride: name,
  clientConnection: { kubeconfig: proxyKubeconfig },
  clusterCIDR: network.pods,
  bindAddress: network.node,
  healthzBindAddress: '127.0.0.1:10256',
  metricsBindAddress: '127.0.0.1:10249',
  iptables: { minSyncPeriod: '0s' },
  // The size of the table is the machine's.
  conntrack: { maxPerCore: 0, min: 0 },
});

/**
 * The node's first process. The folders where these programs leave things are the node's own, and so are the settings of
 * the kernel that kubelet insists on: what it writes goes to copies.
 */
function nodeScript({ folder, binFolder, name, network, kubeletKubeconfig, images }: NodeFiles): string {
  const imports = images.map(
    ({ file, name: base }) =>
      `ctr -a /run/containerd/containerd.sock -n k8s.io images import --base-name '${base}' '${file}'`,
  );
  return `set -e
cd '${folder}'
hostname '${name}'
for at in /run /var/log /var/lib/cni /var/lib/kubelet /var/lib/containerd /opt; do
  [ -d $at ] && mount -t tmpfs tmpfs $at
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # A group that hands controllers on may hold no process itself.
  mkdir /sys/fs/cgroup/node
  echo $$ > /sys/fs/cgroup/node/cgroup.procs
  sed 's/[a-z]\\+/+&/g' /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
else
  for at in /sys/fs/cgroup/*/; do
    type=$(awk -v at=\${at%/} '$5 == at { for (i = 6; i <= NF; i++) if ($i == "-") { print $(i + 1), $(i + 3) } }' /proc/self/mountinfo)
    case $type in
      cgroup2*) umount $at; mount -t cgroup2 cgroup2 $at ;;
      # What the hierarchy is called comes last: rw,name=systemd or rw,cpu,cpuacct.
      cgroup*) umount $at; mount -t cgroup -o \${type#*,} cgroup $at ;;
    esac
  done
fi
mkdir -p kernel
for at in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  [ -e /proc/sys/$at ] || continue
  cat /proc/sys/$at > kernel/\${at//\\//-}
  mount --bind kernel/\${at//\\//-} /proc/sys/$at
done
mount --bind kubelet kubelet
mount --make-rshared kubelet
ip link set lo up
ip addr add ${network.node}/30 dev eth0
ip link set eth0 up
ip route add default via ${network.host}
echo 1 > /proc/sys/net/ipv4/ip_forward
containerd --config '${folder}/containerd.toml' > containerd.log 2>&1 &
until ctr -a /run/containerd/containerd.sock version > /dev/null 2>&1; do kill -0 $!; sleep 0.1; done
${imports.join('\n')}
'${binFolder}/kube-proxy' --config='${folder}/kube-proxy.yaml' > kube-proxy.log 2>&1 &
'${binFolder}/kubelet' --config='${folder}/kubelet.yaml' --kubeconfig='${kubeletKubeconfig}' --root-dir='${folder}/kubelet' \\
  --cert-dir='${folder}/kubelet/pki' --hostname-override='${name}' --node-ip=${network.node} > kubelet.log 2>&1 &
wait -n
echo "one of containerd, kube-proxy and kubelet has ended"
exit 1
`;
}
