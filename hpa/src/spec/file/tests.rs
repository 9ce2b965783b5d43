//! Files with one fault each, and the sentence that a user reads.

use std::io::Write as _;

use proptest::prelude::*;

use super::*;

const GOOD: &str = "\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: sample-metrics-app
  labels: {app: sample}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: sample-metrics-app
  minReplicas: 2
  maxReplicas: 10
  metrics:
  - type: Object
    object:
      describedObject: {apiVersion: v1, kind: Service, name: sample-metrics-app}
      metric:
        name: http_requests
      target:
        type: Value
        value: 100
";

fn read_text(text: &[u8]) -> Result<Autoscaler, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    let name = file.path().display().to_string();
    read(file.path()).map_err(|error| error.to_string().replace(&name, "FILE"))
}

fn check(from: &str, to: &str, expected: &str) {
    assert!(GOOD.contains(from), "{from}");
    let error = read_text(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err();
    assert_eq!(error, expected);
}

#[test]
fn reads_an_ordinary_file_with_its_defaults() {
    let read = read_text(GOOD.as_bytes()).unwrap();
    assert_eq!((read.namespace.as_str(), read.name.as_str(), read.generation), ("default", "sample-metrics-app", 1));
    assert_eq!((read.spec.min(), read.spec.max_replicas), (2, 10));
    assert_eq!(read.target(), "Deployment/default/sample-metrics-app");
    let object = read.spec.metrics[0].object.as_ref().unwrap();
    assert_eq!(object.target.value.unwrap().milli_value(), 100_000);
    assert_eq!(object.described_object.kind, "Service");
}

#[test]
fn every_fault_names_line_and_field_and_says_what_to_do() {
    check(
        "maxReplicas: 10",
        "maxReplicas: ten",
        "FILE:12: spec.maxReplicas: \"ten\" is not a whole number of at most 32 bits: correct it",
    );
    check(
        "maxReplicas: 10",
        "maxReplicas: 1",
        "FILE:12: spec.maxReplicas: 1 is less than minReplicas 2: raise one or lower the other",
    );
    check("  maxReplicas: 10\n", "", "FILE:6: spec.maxReplicas: it is not set: write it");
    check(
        "maxReplicas: 10",
        "maxReplica: 10",
        "FILE:12: spec.maxReplica: there is no such field here: correct or remove it (known: scaleTargetRef, minReplicas, maxReplicas, metrics, behavior)",
    );
    check(
        "value: 100",
        "value: 1x0",
        "FILE:21: spec.metrics[0].object.target.value: '1x0' is not a quantity: its suffix is not one of n u m k M G T P E Ki Mi Gi Ti Pi Ei or eN: correct it",
    );
    check(
        "value: 100",
        "value: 0",
        "FILE:21: spec.metrics[0].object.target.value: 0 is not positive: write a quantity above 0, such as 100",
    );
    check(
        "type: Value",
        "type: Val",
        "FILE:20: spec.metrics[0].object.target.type: \"Val\" is not known: write one of Utilization, Value, AverageValue",
    );
    check(
        "kind: Horizontal",
        "kind: Vertical",
        "FILE:2: kind: \"VerticalPodAutoscaler\" is not HorizontalPodAutoscaler: give an autoscaling/v2 HorizontalPodAutoscaler",
    );
    check(
        "autoscaling/v2",
        "autoscaling/v1",
        "FILE:1: apiVersion: \"autoscaling/v1\" is not autoscaling/v2: give an autoscaling/v2 HorizontalPodAutoscaler",
    );
    check(
        "name: sample-metrics-app",
        "name: Sample_App",
        "FILE:4: metadata.name: \"Sample_App\" is no name: write small letters, digits, - and .",
    );
    check("  minReplicas: 2\n", "  maxReplicas: 2\n", "FILE:12: maxReplicas: it is written twice: remove one");
    check("kind: HorizontalPodAutoscaler\n", "", "FILE:1: kind: it is not set: write `kind: HorizontalPodAutoscaler`");
    check(
        "        value: 100\n",
        "        value: 100\n---\na: 1\n",
        "FILE:23: a second document begins here: put the HorizontalPodAutoscaler into a file of its own",
    );
}

#[test]
fn a_file_that_is_none_is_refused_by_name() {
    let hint = "name a file with an autoscaling/v2 HorizontalPodAutoscaler";
    let absent = read(Path::new("absent.yaml")).unwrap_err().to_string();
    assert!(absent.starts_with("cannot read absent.yaml: ") && absent.ends_with(hint), "{absent}");
    assert_eq!(read_text(b"").unwrap_err(), format!("FILE: it is empty: {hint}"));
    assert_eq!(read_text(b"\xff\xfe").unwrap_err(), format!("FILE: it is no UTF-8 text: {hint}"));
    assert_eq!(read_text(&vec![b'#'; 2 << 20]).unwrap_err(), format!("FILE: it is greater than 1 MiB: {hint}"));
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _read = read_text(&bytes);
    }

    /// A good file with one line cut or doubled is read or refused with a place, whatever the line.
    #[test]
    fn a_damaged_file_is_refused_with_its_line(line in 0_usize..21, doubled in any::<bool>(), cut in 0_usize..40) {
        let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
        if doubled {
            lines.insert(line, lines[line].clone());
        } else {
            let keep = cut.min(lines[line].len());
            lines[line].truncate(keep);
        }
        if let Err(error) = read_text(lines.join("\n").as_bytes()) {
            prop_assert!(error.starts_with("FILE:"), "{error}");
        }
    }
}
