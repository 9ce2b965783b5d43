//! A Kubernetes to ask, by its own kubectl: a control plane of ours, or the cluster that `KUBECONFIG` names.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::control_plane::{ControlPlane, Settings};
use super::installed;
use super::shared::{Lease, Server};

/// The variable that names a cluster to use instead.
const VARIABLE: &str = "KUBECONFIG";

/// A cluster, and the right to do everything in it.
#[derive(Debug)]
pub struct Kubernetes {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    control_plane: Option<ControlPlane>,
}

impl Kubernetes {
    /// The one without nodes that all tests of this run share.
    ///
    /// # Panics
    /// It does not start.
    pub fn shared() -> Lease<Self> {
        static CELL: OnceLock<Result<Kubernetes, String>> = OnceLock::new();
        Lease::of(&CELL)
    }

    /// One that nobody else uses, started with `settings`.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(settings: Settings) -> Result<Self, String> {
        Self::of(ControlPlane::start(settings)?)
    }

    /// The cluster of a control plane.
    ///
    /// # Errors
    /// There is no kubectl.
    pub fn of(control_plane: ControlPlane) -> Result<Self, String> {
        let kubeconfig = control_plane.kubeconfig("admin");
        Ok(Self { kubectl: installed::kubernetes("kubectl")?, kubeconfig, control_plane: Some(control_plane) })
    }

    /// The cluster that `KUBECONFIG` names.
    ///
    /// # Errors
    /// There is no kubectl.
    pub fn of_user() -> Result<Option<Self>, String> {
        let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) else { return Ok(None) };
        Ok(Some(Self { kubectl: installed::kubernetes("kubectl")?, kubeconfig: path.into(), control_plane: None }))
    }

    /// The control plane, if it is ours.
    pub fn control_plane(&self) -> Option<&ControlPlane> {
        self.control_plane.as_ref()
    }

    /// The file that lets others in.
    pub fn kubeconfig(&self) -> &std::path::Path {
        &self.kubeconfig
    }

    /// What kubectl prints.
    ///
    /// # Errors
    /// It fails: what it says.
    pub fn kubectl<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, String> {
        self.run(arguments, None)
    }

    /// What kubectl prints, as JSON: `get_json(&["pods", "--namespace", "x"])`.
    ///
    /// # Errors
    /// It fails, or prints something else.
    pub fn get_json(&self, what: &[&str]) -> Result<Value, String> {
        let text = self.kubectl(&[&["get", "--output=json"], what].concat())?;
        serde_json::from_str(&text).map_err(|error| format!("{error} in what kubectl printed: {text}"))
    }

    /// What the API server answers at a path.
    ///
    /// # Errors
    /// It refuses.
    pub fn get_raw(&self, path: &str) -> Result<String, String> {
        self.kubectl(&["get", "--raw", path])
    }

    /// Applies manifests, strictly: an unknown field is a fault.
    ///
    /// # Errors
    /// The API server refuses one of them.
    pub fn apply(&self, manifests: &str) -> Result<String, String> {
        self.run(&["apply", "--validate=strict", "--filename=-"], Some(manifests))
    }

    /// A new namespace, whose name begins so.
    ///
    /// # Errors
    /// The API server refuses it.
    pub fn namespace(&self, beginning: &str) -> Result<String, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{beginning}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&["create", "namespace", &name])?;
        Ok(name)
    }

    fn run<S: AsRef<OsStr>>(&self, arguments: &[S], input: Option<&str>) -> Result<String, String> {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        if let Some(plane) = &self.control_plane {
            // What it remembers of a cluster goes with the cluster.
            command.arg("--cache-dir").arg(plane.room().path().join("kubectl"));
        }
        command.args(arguments);
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        let fault = |reason: String| format!("kubectl {}: {reason}", words.join(" "));
        let mut child = command
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| fault(error.to_string()))?;
        if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
            // When kubectl stops reading, it says why.
            let _written = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| fault(error.to_string()))?;
        if !output.status.success() {
            return Err(fault(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Server for Kubernetes {
    fn begin() -> Result<Self, String> {
        Self::of_user()?.map_or_else(|| Self::start(Settings::on_machine()), Ok)
    }

    fn tails(&self) -> String {
        self.control_plane.as_ref().map(|plane| plane.room().tails()).unwrap_or_default()
    }
}
