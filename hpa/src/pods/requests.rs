//! What a pod requests of a resource, in thousandths: the denominator of utilization.

use std::collections::BTreeMap;

use crate::settings::Gates;

/// Amounts in thousandths by resource name; memory in thousandths of bytes.
pub type Amounts = BTreeMap<String, i64>;

/// Everything in a pod's spec that says what it requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Its containers, then its init containers, each in their order.
    pub containers: Vec<Container>,
    /// Requests of the pod as a whole.
    pub pod: Amounts,
    /// What the runtime itself takes.
    pub overhead: Amounts,
}

/// One container's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// How long it runs.
    pub role: Role,
    /// What it requests.
    pub requests: Amounts,
}

/// How long a container runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// As long as the pod.
    #[default]
    Main,
    /// An init container that ends before the next begins.
    Init,
    /// An init container with restartPolicy Always: as long as the pod.
    Sidecar,
}

/// A pod whose requests cannot be had; one is enough to fail the metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A container that counts sets none.
    #[error("missing request for {resource} in container {container} of Pod {pod}")]
    Container {
        /// The resource.
        resource: String,
        /// The container.
        container: String,
        /// The pod.
        pod: String,
    },
    /// Nothing in a pod with requests of its own sets one.
    #[error("missing pod-level request for {resource} in Pod {pod}")]
    Pod {
        /// The resource.
        resource: String,
        /// The pod.
        pod: String,
    },
    /// No container of that name.
    #[error("container {container} not found in Pod {pod}")]
    NoContainer {
        /// The container.
        container: String,
        /// The pod.
        pod: String,
    },
}

/// The request of `pod` for `resource`: of one container if it is named, else of the pod.
///
/// # Errors
/// A request that should count is not set.
pub fn requested(
    requests: &Requests,
    pod: &str,
    resource: &str,
    container: Option<&str>,
    gates: Gates,
) -> Result<i64, RequestError> {
    let (resource_name, pod_name) = (|| resource.to_owned(), || pod.to_owned());
    if container.is_none() && gates.pod_level_resources && !requests.pod.is_empty() {
        return pod_level(requests, resource).ok_or_else(|| RequestError::Pod { resource: resource_name(), pod: pod_name() });
    }
    let mut sum = None;
    for one in requests.containers.iter().filter(|one| one.role != Role::Init) {
        if container.is_some_and(|name| name != one.name) {
            continue;
        }
        let amount = one.requests.get(resource).ok_or_else(|| RequestError::Container {
            resource: resource_name(),
            container: one.name.clone(),
            pod: pod_name(),
        })?;
        sum = Some(sum.map_or(*amount, |sum: i64| sum.saturating_add(*amount)));
    }
    match (sum, container) {
        (Some(sum), _) => Ok(sum),
        (None, Some(name)) => Err(RequestError::NoContainer { container: name.to_owned(), pod: pod_name() }),
        (None, None) => Ok(0),
    }
}

/// What the scheduler reserves for a pod that sets requests of its own.
fn pod_level(requests: &Requests, resource: &str) -> Option<i64> {
    let amount = requests.pod.get(resource).copied().or_else(|| effective(requests, resource));
    let overhead = requests.overhead.get(resource).copied();
    match (amount, overhead) {
        (None, None) => None,
        (amount, overhead) => Some(amount.unwrap_or(0).saturating_add(overhead.unwrap_or(0))),
    }
}

/// The containers' sum, or the highest peak while they are started one after the other.
fn effective(requests: &Requests, resource: &str) -> Option<i64> {
    let (mut main, mut sidecars, mut peak, mut set) = (0_i64, 0_i64, 0_i64, false);
    for container in &requests.containers {
        let Some(&amount) = container.requests.get(resource) else { continue };
        set = true;
        match container.role {
            Role::Main => main = main.saturating_add(amount),
            Role::Sidecar => {
                sidecars = sidecars.saturating_add(amount);
                peak = peak.max(sidecars);
            }
            Role::Init => peak = peak.max(sidecars.saturating_add(amount)),
        }
    }
    set.then(|| peak.max(main.saturating_add(sidecars)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_with_requests_of_its_own_reserves_the_highest_peak_and_the_overhead() {
        let container = |name: &str, role, cpu: Option<i64>| Container {
            name: name.to_owned(),
            role,
            requests: cpu.map(|cpu| ("cpu".to_owned(), cpu)).into_iter().collect(),
        };
        let amounts = |name: &str, amount| Amounts::from([(name.to_owned(), amount)]);
        let check = |containers: Vec<Container>, pod: Amounts, expected: Result<i64, &str>| {
            let requests = Requests { containers, pod, overhead: amounts("cpu", 5) };
            let got = requested(&requests, "p", "cpu", None, Gates::default()).map_err(|error| error.to_string());
            assert_eq!(got, expected.map_err(str::to_owned));
        };
        let (main, side, init) = (Role::Main, Role::Sidecar, Role::Init);
        check(vec![container("a", main, Some(100))], amounts("cpu", 300), Ok(305));
        check(vec![container("a", main, Some(100)), container("b", main, None)], amounts("memory", 1), Ok(105));
        let peak = vec![container("a", main, Some(100)), container("s", side, Some(50)), container("i", init, Some(200))];
        check(peak, amounts("memory", 1), Ok(255));
        // Without requests of its own a hole is an error, and neither peaks nor overhead count.
        check(vec![container("a", main, None)], Amounts::new(), Err("missing request for cpu in container a of Pod p"));
        check(vec![container("a", main, Some(100)), container("i", init, Some(200))], Amounts::new(), Ok(100));
    }
}
