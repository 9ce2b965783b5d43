//! A one-node cluster: a control plane and, in namespaces of its own, containerd, kubelet and kube-proxy with a network for
//! pods. Images come from files; nothing is ever pulled.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::control_plane::{ControlPlane, Settings};
use super::image;
use super::installed;
use super::kubernetes::Kubernetes;
use super::place::Place;
use super::room::{Program, Room, poll};
use super::sandbox::{self, Sandbox, run};
use super::shared::{Lease, Server};

/// From the start of one program to its first answer, on a machine that compiles meanwhile.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Alone the node is ready in half of this.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// Pods get their addresses from here; the network ends at the node.
const POD_ADDRESSES: &str = "10.244.0.0/24";
/// The image in which each pod's namespaces live; `cargo xtask image` makes it.
const PAUSE_IMAGE: &str = "docker.io/library/binnacle-pause:1";
/// The name of the node, which is also in its certificate.
pub const NAME: &str = "node";

/// A running cluster of one node.
#[derive(Debug)]
pub struct Cluster {
    /// How long its start took.
    pub ready_after: Duration,
    kubernetes: Kubernetes,
    sandbox: Option<Sandbox>,
}

impl Cluster {
    /// The one that all tests of this run share.
    ///
    /// # Panics
    /// It does not start.
    pub fn shared() -> Lease<Self> {
        static CELL: OnceLock<Result<Cluster, String>> = OnceLock::new();
        Lease::of(&CELL)
    }

    /// Starts one in `room` and waits until its node is ready.
    ///
    /// # Errors
    /// This is not root, a program is not there, or one does not become ready: the message has the end of its log.
    pub fn start_in(room: Room, pause_image: &Path) -> Result<Self, String> {
        let begun = Instant::now();
        let sandbox = Sandbox::open(&room)?;
        let plane = ControlPlane::start_in(room, Settings::at(sandbox.place.clone()))?;
        let node = Node { plane: &plane, sandbox: &sandbox };
        node.containerd(pause_image)?;
        let (kubelet, _proxy) = (node.kubelet()?, node.proxy()?);
        let kubernetes = Kubernetes::of(plane)?;
        kubelet.wait(READY_LIMIT, || is_ready(&kubernetes))?;
        Ok(Self { ready_after: begun.elapsed(), kubernetes, sandbox: Some(sandbox) })
    }

    /// The cluster to ask.
    pub fn kubernetes(&self) -> &Kubernetes {
        &self.kubernetes
    }

    /// The machine's address as pods see it; none when the cluster is the user's.
    pub fn machine_address(&self) -> Option<&str> {
        self.sandbox.as_ref().map(|sandbox| sandbox.machine.as_str())
    }

    /// Where its node is, for servers that are to reach pods; none when the cluster is the user's.
    pub fn place(&self) -> Option<&Place> {
        self.sandbox.as_ref().map(|sandbox| &sandbox.place)
    }

    /// Puts an image from an OCI layout tarball on the node.
    ///
    /// # Errors
    /// It is no image, or the cluster is the user's.
    pub fn load_image(&self, tarball: &Path) -> Result<(), String> {
        let sandbox = self.sandbox.as_ref().ok_or_else(|| format!("load {} into your cluster yourself", tarball.display()))?;
        load_image(sandbox, tarball)
    }
}

impl Server for Cluster {
    fn begin() -> Result<Self, String> {
        if let Some(kubernetes) = Kubernetes::of_user()? {
            return Ok(Self { ready_after: Duration::ZERO, kubernetes, sandbox: None });
        }
        sandbox::check_root()?;
        Self::start_in(Room::new("cluster")?, &image::pause()?)
    }

    fn tails(&self) -> String {
        self.kubernetes.control_plane().map(|plane| plane.room().tails()).unwrap_or_default()
    }
}

fn is_ready(kubernetes: &Kubernetes) -> Result<(), String> {
    let node = kubernetes.get_json(&["node", NAME])?;
    let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    match ready {
        Some(condition) if condition["status"] == "True" => Ok(()),
        Some(condition) => Err(condition.to_string()),
        None => Err("the node has no condition yet".to_owned()),
    }
}

/// Puts an image from an OCI layout tarball on the node of a sandbox.
///
/// # Errors
/// It is no image.
pub fn load_image(sandbox: &Sandbox, tarball: &Path) -> Result<(), String> {
    let mut command = sandbox.place.command(installed::debian("node", "ctr")?);
    run(command.args(["--namespace", "k8s.io", "images", "import"]).arg(tarball))
}

/// What the parts of a node need while it starts.
struct Node<'a> {
    plane: &'a ControlPlane,
    sandbox: &'a Sandbox,
}

impl Node<'_> {
    fn containerd(&self, pause_image: &Path) -> Result<Program, String> {
        let room = self.plane.room();
        let plugins = installed::ours("node", "usr/lib/cni").or_else(|reason| {
            let machine = ["/usr/lib/cni", "/opt/cni/bin"].map(Path::new).into_iter().find(|folder| folder.exists());
            machine.map(Path::to_owned).ok_or(reason)
        })?;
        let network = room.write("cni/10-pods.conflist", &network())?;
        let network = network.parent().unwrap_or(room.path()).display().to_string();
        let runc = installed::debian("node", "runc")?;
        let settings = containerd_settings(&plugins.display().to_string(), &network, &runc.display().to_string());
        let settings = room.write("containerd.toml", &settings)?;
        let containerd = installed::debian("node", "containerd")?;
        let mut command = self.sandbox.place.command(&containerd);
        command.arg("--config").arg(settings);
        // It finds its shims, and the plugins find iptables, on the path.
        let folder = containerd.parent().unwrap_or(Path::new("/usr/bin")).display().to_string();
        command.env("PATH", format!("{folder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
        let program = room.start("containerd", &command)?;
        let ctr = installed::debian("node", "ctr")?;
        program.wait(START_LIMIT, || run(self.sandbox.place.command(&ctr).arg("version")))?;
        poll("the pause image", START_LIMIT, || load_image(self.sandbox, pause_image))?;
        Ok(program)
    }

    fn kubelet(&self) -> Result<Program, String> {
        let room = self.plane.room();
        let settings = kubelet_settings(&room.path().join("ca.crt"), &self.sandbox.control_group);
        let settings = room.write("kubelet.yaml", &settings)?;
        let mut command = self.command("kubelet")?;
        command.arg("--config").arg(settings).arg("--kubeconfig").arg(self.plane.kubeconfig("kubelet"));
        command.arg(format!("--hostname-override={NAME}")).arg(format!("--node-ip={}", self.sandbox.place.address));
        room.start("kubelet", &command)
    }

    fn proxy(&self) -> Result<Program, String> {
        let mut command = self.command("kube-proxy")?;
        command.arg("--kubeconfig").arg(self.plane.kubeconfig("proxy"));
        command.arg(format!("--hostname-override={NAME}")).arg(format!("--cluster-cidr={POD_ADDRESSES}"));
        // The machine's limits are not the node's to set.
        command.args(["--proxy-mode=iptables", "--conntrack-max-per-core=0", "--oom-score-adj=0"]);
        self.plane.room().start("kube-proxy", &command)
    }

    fn command(&self, program: &str) -> Result<Command, String> {
        let mut command = self.sandbox.place.command(installed::kubernetes(program)?);
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        Ok(command)
    }
}

/// Each pod has a link of its own to the node. A bridge would do as well, but what its pods say to each other passes the
/// Services' rules only with a kernel module that not every machine has.
fn network() -> String {
    let links = serde_json::json!({
        "type": "ptp",
        "ipMasq": true,
        "ipam": {
            "type": "host-local",
            "dataDir": "/run/cni-addresses",
            "ranges": [[{"subnet": POD_ADDRESSES}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    });
    let ports = serde_json::json!({"type": "portmap", "capabilities": {"portMappings": true}});
    serde_json::json!({"cniVersion": "0.4.0", "name": "pods", "plugins": [links, ports]}).to_string()
}

/// `restrict_oom_score_adj`: in a container or a small virtual machine the kernel refuses negative scores even to root, and
/// every pod would fail.
fn containerd_settings(plugins: &str, network: &str, runc: &str) -> String {
    format!(
        "version = 2
disabled_plugins = [
  'io.containerd.snapshotter.v1.aufs', 'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper', 'io.containerd.snapshotter.v1.zfs',
]
[plugins.'io.containerd.grpc.v1.cri']
sandbox_image = '{PAUSE_IMAGE}'
restrict_oom_score_adj = true
disable_apparmor = true
[plugins.'io.containerd.grpc.v1.cri'.cni]
bin_dir = '{plugins}'
conf_dir = '{network}'
[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]
BinaryName = '{runc}'
"
    )
}

/// A node that takes whatever machine it is on: swap, old control groups and a full disk are none of its business.
fn kubelet_settings(authority: &Path, control_group: &str) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {{enabled: false}}
  webhook: {{enabled: true}}
  x509: {{clientCAFile: '{}'}}
authorization: {{mode: Webhook}}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /{control_group}
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
evictionHard: {{imagefs.available: 0%, memory.available: 0%, nodefs.available: 0%, nodefs.inodesFree: 0%}}
imageGCHighThresholdPercent: 100
oomScoreAdj: 0
volumePluginDir: /var/lib/kubelet/volume-plugins
resolvConf: ''
nodeStatusUpdateFrequency: 2s
",
        authority.display()
    )
}
