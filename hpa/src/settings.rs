//! The controller's own settings, as far as they decide: what the flags of kube-controller-manager set for every autoscaler.
//! How often and with how many workers to sync is the loop's business and not here.

use std::time::Duration;

/// Settings of every decision. The defaults are kube-controller-manager's.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How far from 1 the ratio may be before anything is done, in both directions.
    pub tolerance: f64,
    /// How long a high recommendation holds replicas up, where the autoscaler sets no window of its own.
    pub downscale_stabilization: Duration,
    /// How long after its start a pod's CPU samples may be left out.
    pub cpu_initialization_period: Duration,
    /// How soon after a pod's start a change of readiness counts as "never ready yet".
    pub initial_readiness_delay: Duration,
    /// Without a behavior, replicas may grow to this many times themselves in one sync.
    pub scale_up_limit_factor: f64,
    /// Without a behavior, replicas may always grow to this many.
    pub scale_up_limit_minimum: i32,
    /// Feature gates.
    pub gates: Gates,
    /// What to do where upstream's arithmetic has known defects.
    pub defects: Defects,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tolerance: 0.1,
            downscale_stabilization: Duration::from_secs(300),
            cpu_initialization_period: Duration::from_secs(300),
            initial_readiness_delay: Duration::from_secs(30),
            scale_up_limit_factor: 2.0,
            scale_up_limit_minimum: 4,
            gates: Gates::default(),
            defects: Defects::default(),
        }
    }
}

/// Kubernetes feature gates that change a decision; all are on in 1.37.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// HPAScaleToZero.
    pub scale_to_zero: bool,
    /// HPAConfigurableTolerance.
    pub configurable_tolerance: bool,
    /// HPAGeneration.
    pub generation: bool,
    /// PodLevelResources.
    pub pod_level_resources: bool,
}

impl Default for Gates {
    fn default() -> Self {
        Self { scale_to_zero: true, configurable_tolerance: true, generation: true, pod_level_resources: true }
    }
}

/// Known defects of kube-controller-manager 1.37.2: whether to do as it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defects {
    /// kubernetes/kubernetes 126892: replica counts beyond 32 bits turn negative, so that a huge load scales down.
    pub overflow_turns_negative: bool,
    /// kubernetes/kubernetes 140956: an AverageValue at zero replicas is shown as the least 64-bit number.
    pub average_of_none_is_least: bool,
    /// Ours, off in upstream. kubernetes/kubernetes 138505: within tolerance an AverageValue keeps the replicas of the spec,
    /// not those of the status, so that a surging rollout does not raise the spec.
    pub tolerance_keeps_spec: bool,
    /// Ours, off in upstream. kubernetes/kubernetes 130130: a Value target with no ready pod keeps the replicas.
    pub none_ready_keeps_replicas: bool,
}

impl Defects {
    /// Every defect as kube-controller-manager 1.37.2 has it.
    pub const UPSTREAM: Self = Self {
        overflow_turns_negative: true,
        average_of_none_is_least: true,
        tolerance_keeps_spec: false,
        none_ready_keeps_replicas: false,
    };

    /// A count of replicas from a double that is whole already.
    pub(crate) fn replicas(self, count: f64) -> i32 {
        let fits = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&count);
        // `as` saturates, and takes 0 for NaN; amd64's conversion gives the least number for all of these.
        if fits || !self.overflow_turns_negative { count as i32 } else { i32::MIN }
    }
}
