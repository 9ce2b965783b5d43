//! A control plane: etcd, API server, controller manager and scheduler, with certificates of their own. It has no node: what
//! its Deployments want is counted and never run. Who asks it stands in `kubernetes`.

use std::process::Command;
use std::time::{Duration, Instant};

use super::certificates::{Authority, Identity};
use super::installed;
use super::place::{Place, free_ports};
use super::room::{Program, Room, poll};
use crate::http;

/// From the start of one server to its first answer: seconds alone, and a multiple on a machine that compiles meanwhile.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Services get their addresses from here; nobody but pods of a node ever reaches one.
const SERVICE_ADDRESSES: &str = "10.96.0.0/16";
/// The first of them, which is the API server's own.
const FIRST_SERVICE_ADDRESS: &str = "10.96.0.1";

/// What a caller may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it runs.
    pub place: Place,
    /// Whether the aggregator asks the endpoints of a Service (it must be true for those of pods) or the Service's name (for
    /// an aggregated server outside, behind an `ExternalName`).
    pub aggregates_by_endpoint: bool,
    /// Whether the `kubernetes` Service leads to the API server: for pods, and only on an address that is not loopback.
    pub is_reached_by_pods: bool,
    /// More flags of the controller manager, such as `--controllers=*,-horizontal-pod-autoscaler-controller`.
    pub controller_manager: Vec<String>,
}

impl Settings {
    /// On the machine itself, for servers of the test behind an `ExternalName` Service.
    pub fn on_machine() -> Self {
        Self { place: Place::machine(), aggregates_by_endpoint: false, is_reached_by_pods: false, controller_manager: brisk() }
    }

    /// In the namespaces of a node, with pods.
    pub fn at(place: Place) -> Self {
        Self { place, aggregates_by_endpoint: true, is_reached_by_pods: true, controller_manager: brisk() }
    }
}

/// Controllers that look every second: a test has no time for the 15 s of the default.
fn brisk() -> Vec<String> {
    vec!["--horizontal-pod-autoscaler-sync-period=1s".to_owned()]
}

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    /// The base of the API server's URLs.
    pub url: String,
    /// How long its start took.
    pub ready_after: Duration,
    room: Room,
    authority: String,
    settings: Settings,
}

/// What all of its parts need while it starts.
struct Making<'a> {
    room: &'a Room,
    settings: &'a Settings,
    authority: Authority,
    url: String,
}

impl ControlPlane {
    /// Starts all of it in a room of its own.
    ///
    /// # Errors
    /// A program is not there, or does not become ready: the message has the end of its log.
    pub fn start(settings: Settings) -> Result<Self, String> {
        Self::start_in(Room::new("control-plane")?, settings)
    }

    /// Starts all of it in a room that is there.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in(room: Room, settings: Settings) -> Result<Self, String> {
        let begun = Instant::now();
        let [client, peer, api, manager, scheduler] = free_ports()?;
        let url = format!("https://{}:{api}", settings.place.address);
        let authority = Authority::new("binnacle-test").map_err(|error| error.to_string())?;
        let making = Making { room: &room, settings: &settings, authority, url: url.clone() };
        making.certificates()?;
        let etcd = making.etcd(client, peer)?;
        let api_server = making.api_server(api, client, &etcd)?;
        let running = [making.controller_manager(manager)?, making.scheduler(scheduler)?];
        for (program, port) in running.iter().zip([manager, scheduler]) {
            program.wait(START_LIMIT, || is_ok(&format!("https://{}:{port}/healthz", settings.place.address)))?;
        }
        let authority = making.authority.certificate.clone();
        let mut plane = Self { url, ready_after: Duration::ZERO, room, authority, settings };
        plane.await_service_accounts(&api_server)?;
        plane.ready_after = begun.elapsed();
        Ok(plane)
    }

    /// Its folder, with logs, certificates and kubeconfig files.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// How it was started.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The certificate of the authority that signed its own, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The kubeconfig file of `user`; `admin` may do everything.
    pub fn kubeconfig(&self, user: &str) -> std::path::PathBuf {
        self.room.path().join(format!("{user}.kubeconfig"))
    }

    /// Pods are refused until their namespace has its service account, which a controller makes.
    fn await_service_accounts(&self, api_server: &Program) -> Result<(), String> {
        let kubectl = installed::kubernetes("kubectl")?;
        let get = || -> Result<(), String> {
            let mut command = Command::new(&kubectl);
            command.arg("--kubeconfig").arg(self.kubeconfig("admin")).arg("--cache-dir").arg(self.room.path().join("kubectl"));
            command.args(["get", "serviceaccount", "default"]);
            let output = command.output().map_err(|error| error.to_string())?;
            if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
        };
        poll("the first service account", START_LIMIT, get).map_err(|reason| format!("{reason}\n{}", api_server.tail()))
    }
}

/// A probe that answers as it should.
fn is_ok(url: &str) -> Result<(), String> {
    let answer = http::get(url)?;
    if answer.status == 200 && answer.body == "ok" { Ok(()) } else { Err(format!("{answer:?}")) }
}

impl Making<'_> {
    fn path(&self, name: &str) -> String {
        self.room.path().join(name).display().to_string()
    }

    fn keep(&self, name: &str, identity: &Identity) -> Result<(), String> {
        self.room.write(&format!("{name}.crt"), &identity.certificate)?;
        self.room.write(&format!("{name}.key"), &identity.key)?;
        Ok(())
    }

    /// One authority for servers and clients, and another for the aggregator: who has a client certificate of the first
    /// must not be able to call himself anybody in front of an aggregated server.
    fn certificates(&self) -> Result<(), String> {
        let fault = |error: rcgen::Error| error.to_string();
        self.room.write("ca.crt", &self.authority.certificate)?;
        let address = self.settings.place.address.as_str();
        let hosts = [
            address,
            FIRST_SERVICE_ADDRESS,
            "localhost",
            "127.0.0.1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
        ];
        self.keep("api-server", &self.authority.sign("kube-apiserver", None, &hosts).map_err(fault)?)?;
        let kubelet_client = self.authority.sign("kube-apiserver-kubelet-client", Some("system:masters"), &[]);
        self.keep("kubelet-client", &kubelet_client.map_err(fault)?)?;
        self.keep("service-account", &self.authority.sign("service-account", None, &[]).map_err(fault)?)?;
        let front_proxy = Authority::new("binnacle-test-front-proxy").map_err(fault)?;
        self.room.write("front-proxy-ca.crt", &front_proxy.certificate)?;
        self.keep("front-proxy", &front_proxy.sign("front-proxy-client", None, &[]).map_err(fault)?)?;
        for (name, user, group) in [
            ("admin", "admin", Some("system:masters")),
            ("controller-manager", "system:kube-controller-manager", None),
            ("scheduler", "system:kube-scheduler", None),
            ("proxy", "system:kube-proxy", None),
            ("kubelet", "system:node:node", Some("system:nodes")),
        ] {
            self.keep(name, &self.authority.sign(user, group, &[]).map_err(fault)?)?;
            self.room.write(&format!("{name}.kubeconfig"), &self.kubeconfig(name))?;
        }
        Ok(())
    }

    fn kubeconfig(&self, user: &str) -> String {
        let (authority, certificate, key) =
            (self.path("ca.crt"), self.path(&format!("{user}.crt")), self.path(&format!("{user}.key")));
        format!(
            "apiVersion: v1
kind: Config
current-context: binnacle
contexts: [{{name: binnacle, context: {{cluster: binnacle, user: {user}}}}}]
clusters: [{{name: binnacle, cluster: {{server: '{}', certificate-authority: '{authority}'}}}}]
users: [{{name: {user}, user: {{client-certificate: '{certificate}', client-key: '{key}'}}}}]
",
            self.url
        )
    }

    fn command(&self, program: &str) -> Result<Command, String> {
        Ok(self.settings.place.command(installed::kubernetes(program)?))
    }

    fn etcd(&self, client: u16, peer: u16) -> Result<Program, String> {
        let at = |port: u16| format!("http://{}:{port}", self.settings.place.address);
        let mut command = self.command("etcd")?;
        command.args(["--name=only", "--log-level=warn", "--data-dir", &self.path("etcd")]);
        // The data goes with the test: nothing is gained by waiting for the disk.
        command.arg("--unsafe-no-fsync");
        command.args(["--listen-client-urls", &at(client), "--advertise-client-urls", &at(client)]);
        command.args(["--listen-peer-urls", &at(peer), "--initial-advertise-peer-urls", &at(peer)]);
        command.arg(format!("--initial-cluster=only={}", at(peer)));
        let program = self.room.start("etcd", &command)?;
        program.wait(START_LIMIT, || {
            let answer = http::get(&format!("{}/health", at(client)))?;
            if answer.body.contains("\"health\":\"true\"") { Ok(()) } else { Err(format!("{answer:?}")) }
        })?;
        Ok(program)
    }

    fn api_server(&self, port: u16, etcd: u16, etcd_program: &Program) -> Result<Program, String> {
        let Settings { place, aggregates_by_endpoint, is_reached_by_pods, .. } = self.settings;
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.path(name));
        let mut command = self.command("kube-apiserver")?;
        command.arg(format!("--etcd-servers=http://{}:{etcd}", place.address));
        command.arg(format!("--bind-address={}", place.address)).arg(format!("--advertise-address={}", place.address));
        command.arg(format!("--secure-port={port}"));
        command.arg(format!("--service-cluster-ip-range={SERVICE_ADDRESSES}"));
        // The reconciler writes the endpoints of the `kubernetes` Service, and refuses loopback.
        command.arg(format!("--endpoint-reconciler-type={}", if *is_reached_by_pods { "lease" } else { "none" }));
        command.arg(format!("--enable-aggregator-routing={aggregates_by_endpoint}"));
        command.args(["--allow-privileged=true", "--authorization-mode=Node,RBAC", "--profiling=false"]);
        command.args([file("tls-cert-file", "api-server.crt"), file("tls-private-key-file", "api-server.key")]);
        command.arg(file("client-ca-file", "ca.crt"));
        command.arg(file("requestheader-client-ca-file", "front-proxy-ca.crt"));
        command.arg("--requestheader-allowed-names=front-proxy-client");
        command.arg("--requestheader-username-headers=X-Remote-User");
        command.arg("--requestheader-group-headers=X-Remote-Group");
        command.arg("--requestheader-extra-headers-prefix=X-Remote-Extra-");
        command.args([file("proxy-client-cert-file", "front-proxy.crt"), file("proxy-client-key-file", "front-proxy.key")]);
        command.arg(file("kubelet-client-certificate", "kubelet-client.crt"));
        command.arg(file("kubelet-client-key", "kubelet-client.key"));
        command.arg("--kubelet-preferred-address-types=InternalIP");
        command.arg("--service-account-issuer=https://kubernetes.default.svc");
        command.arg(file("service-account-key-file", "service-account.crt"));
        command.arg(file("service-account-signing-key-file", "service-account.key"));
        let program = self.room.start("kube-apiserver", &command)?;
        // Exactly `ok`: before that the default roles are still being written.
        let ready = program.wait(START_LIMIT, || is_ok(&format!("{}/readyz", self.url)));
        ready.map_err(|reason| format!("{reason}\n{}", etcd_program.tail()))?;
        Ok(program)
    }

    fn controller_manager(&self, port: u16) -> Result<Program, String> {
        let mut command = self.client("kube-controller-manager", "controller-manager", port)?;
        command.arg(format!("--service-account-private-key-file={}", self.path("service-account.key")));
        command.arg(format!("--root-ca-file={}", self.path("ca.crt")));
        command.arg("--use-service-account-credentials=true");
        // It would make the default one among the machine's own folders.
        command.arg(format!("--flex-volume-plugin-dir={}", self.path("volume-plugins")));
        command.args(&self.settings.controller_manager);
        self.room.start("kube-controller-manager", &command)
    }

    fn scheduler(&self, port: u16) -> Result<Program, String> {
        self.room.start("kube-scheduler", &self.client("kube-scheduler", "scheduler", port)?)
    }

    /// A part that asks the API server; alone as it is, it need not be elected.
    fn client(&self, program: &str, user: &str, port: u16) -> Result<Command, String> {
        let kubeconfig = self.path(&format!("{user}.kubeconfig"));
        let mut command = self.command(program)?;
        command.args(["--kubeconfig", &kubeconfig, "--authentication-kubeconfig", &kubeconfig]);
        command.args(["--authorization-kubeconfig", &kubeconfig, "--leader-elect=false"]);
        // By default it asks 20 times a second and no more, which makes its start twice as long.
        command.args(["--kube-api-qps=500", "--kube-api-burst=1000"]);
        command.arg(format!("--bind-address={}", self.settings.place.address)).arg(format!("--secure-port={port}"));
        // A self-signed certificate of its own goes where nothing else is.
        command.arg(format!("--cert-dir={}", self.path(user)));
        Ok(command)
    }
}
