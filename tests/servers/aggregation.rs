//! Our adapter behind the real aggregator, and the real HorizontalPodAutoscaler controller as its client. The adapter is the
//! one of `binnacle up`, outside the cluster; the workload that is scaled has no node and is never run.

use std::time::Duration;

use integration_tests::servers::Kubernetes;
use integration_tests::servers::control_plane::Settings;
use integration_tests::{Launch, eventually};
use serde_json::Value;

/// An APIService turns Available, and a rate takes shape, in seconds; more on a machine that compiles meanwhile.
const LIMIT: Duration = Duration::from_secs(60);
/// What is asked for in the end.
const URL: &str = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/services/sample-metrics-app/http_requests";
/// So many requests a second; at 50 for each replica that makes 3 once the window is full, and 2 on the way.
const LOAD: &str = "hold:600s@150";

const ADAPTER: &str = "\
apiVersion: v1
kind: Service
metadata: {name: metrics-adapter, namespace: kube-system}
spec: {type: ExternalName, externalName: localhost, ports: [{port: PORT}]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.custom.metrics.k8s.io}
spec:
  group: custom.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-adapter, namespace: kube-system, port: PORT}
";

const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: sample-metrics-app}
spec:
  replicas: 1
  selector: {matchLabels: {app: sample-metrics-app}}
  template:
    metadata: {labels: {app: sample-metrics-app}}
    spec: {containers: [{name: app, image: none}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: sample-metrics-app}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: sample-metrics-app}
  minReplicas: 1
  maxReplicas: 10
  metrics:
    - type: Object
      object:
        describedObject: {apiVersion: v1, kind: Service, name: sample-metrics-app}
        metric: {name: http_requests}
        target: {type: AverageValue, averageValue: 50}
";

#[test]
fn the_real_autoscaler_reads_our_adapter_through_the_real_aggregator() {
    let up = Launch::new().with("--script", LOAD).start();
    // The group can be served once in a cluster, so this is not the shared one.
    let cluster = Kubernetes::start(Settings::on_machine()).expect("a control plane");
    let port = up.launch().value("--adapter-address").rsplit(':').next().unwrap_or_default().to_owned();
    cluster.apply(&ADAPTER.replace("PORT", &port)).expect("the APIService");
    eventually("the APIService is available", LIMIT, || {
        let service = cluster.get_json(&["apiservice", "v1beta1.custom.metrics.k8s.io"])?;
        let conditions = service["status"]["conditions"].clone();
        if conditions[0]["type"] == "Available" && conditions[0]["status"] == "True" {
            Ok(())
        } else {
            Err(conditions.to_string())
        }
    });
    eventually("a rate", LIMIT, || {
        let list: Value = serde_json::from_str(&cluster.get_raw(URL)?).map_err(|error| error.to_string())?;
        let is_rate = list["kind"] == "MetricValueList" && list["items"][0]["value"].is_string();
        if is_rate { Ok(()) } else { Err(list.to_string()) }
    });
    cluster.apply(WORKLOAD).expect("the workload and its autoscaler");
    eventually("the workload is scaled up", LIMIT, || {
        let hpa = cluster.get_json(&["hpa", "sample-metrics-app"])?;
        let deployment = cluster.get_json(&["deployment", "sample-metrics-app"])?;
        if deployment["spec"]["replicas"].as_u64() > Some(1) { Ok(()) } else { Err(hpa["status"].to_string()) }
    });
}
