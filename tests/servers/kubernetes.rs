//! The control plane itself: what the other tests take for granted.

use std::time::Duration;

use integration_tests::eventually;
use integration_tests::servers::Kubernetes;

/// A controller acts within a second; a machine that compiles meanwhile takes longer.
const LIMIT: Duration = Duration::from_secs(30);

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: none}]
";

#[test]
fn controllers_act_on_a_deployment() {
    let cluster = Kubernetes::shared();
    if let Some(plane) = cluster.control_plane() {
        println!("the control plane was ready after {:.1} s", plane.ready_after.as_secs_f64());
    }
    let namespace = cluster.namespace("deployment").expect("a namespace");
    let manifest = DEPLOYMENT.replace("{name: web}\nspec", &format!("{{name: web, namespace: {namespace}}}\nspec"));
    cluster.apply(&manifest).expect("the Deployment");
    eventually("three pods", LIMIT, || {
        let pods = cluster.get_json(&["pods", "--namespace", &namespace])?;
        if pods["items"].as_array().is_some_and(|pods| pods.len() == 3) { Ok(()) } else { Err(pods.to_string()) }
    });
}

#[test]
fn an_unknown_field_is_refused() {
    let cluster = Kubernetes::shared();
    let refusal = cluster.apply(&DEPLOYMENT.replace("replicas", "replicsa")).expect_err("a misspelt field");
    assert!(refusal.contains("replicsa"), "{refusal}");
}

#[test]
fn the_aggregator_and_rbac_are_on() {
    let cluster = Kubernetes::shared();
    let groups = cluster.kubectl(&["api-versions"]).expect("the groups");
    for group in ["apiregistration.k8s.io/v1", "rbac.authorization.k8s.io/v1", "autoscaling/v2"] {
        assert!(groups.lines().any(|line| line == group), "no {group} in {groups}");
    }
    let answer = cluster.kubectl(&["auth", "can-i", "list", "secrets", "--as", "nobody"]);
    assert!(answer.is_err(), "a stranger may list secrets: {answer:?}");
}
