//! What a sync looks at, fetched from the API servers: the target's scale, its pods, and a sample for each metric. Faults are
//! values, since a decision says what follows from them. It decides nothing and writes nothing.

pub mod custom_metrics;
pub mod pods;
pub mod scale;

use std::time::Duration;

use tokio::time::Instant;

use crate::client::Client;
use crate::decide::{Scale, ScaleError};
use crate::pods::Pod;
use crate::sample::Sample;
use crate::spec::Autoscaler;

/// The servers that are asked.
#[derive(Clone, Debug)]
pub struct Servers {
    /// Kubernetes: scales and pods.
    pub kubernetes: Client,
    /// Custom metrics.
    pub metrics: Client,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The target's scale.
    pub scale: Result<Scale, ScaleError>,
    /// The pods that it selects.
    pub pods: Vec<Pod>,
    /// A sample for each metric.
    pub samples: Vec<Sample>,
    /// How long each metric took.
    pub took: Vec<Duration>,
    /// The first request that failed, if any did.
    pub trouble: Option<String>,
}

impl Servers {
    /// Looks at everything that `autoscaler` needs.
    pub async fn observe(&self, autoscaler: &Autoscaler) -> Observed {
        let asked = autoscaler.spec.metrics.len();
        let nothing = |scale, trouble| Observed {
            scale,
            pods: Vec::new(),
            samples: vec![Sample::NotAsked; asked],
            took: vec![Duration::ZERO; asked],
            trouble,
        };
        let scale = match scale::get(&self.kubernetes, autoscaler).await {
            Ok(document) => document.scale,
            Err(error) => {
                let trouble = error.to_string();
                return nothing(Err(error), Some(trouble));
            }
        };
        // Neither is looked at by a decision without replicas or pods to select.
        let spec = &autoscaler.spec;
        let bounds = spec.min()..=spec.max_replicas;
        if scale.selector.is_empty() || (scale.spec_replicas != 0 && !bounds.contains(&scale.spec_replicas)) {
            return nothing(Ok(scale), None);
        }
        let listed = pods::list(&self.kubernetes, &autoscaler.namespace, &scale.selector).await;
        let (pods, no_pods) = match listed {
            Ok(pods) => (pods, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let (mut samples, mut took, mut trouble) = (Vec::with_capacity(asked), Vec::with_capacity(asked), no_pods.clone());
        let mut api = None;
        for metric in &spec.metrics {
            let begun = Instant::now();
            samples.push(match &no_pods {
                Some(error) => Sample::Failed(format!("unable to get pods while calculating replica count: {error}")),
                None => {
                    let answer =
                        custom_metrics::sample(&self.metrics, &mut api, &autoscaler.namespace, metric, &scale.selector).await;
                    answer.unwrap_or_else(|fault| {
                        trouble.get_or_insert_with(|| fault.to_string());
                        Sample::Failed(fault.in_upstreams_words())
                    })
                }
            });
            took.push(begun.elapsed());
        }
        Observed { scale: Ok(scale), pods, samples, took, trouble }
    }
}
