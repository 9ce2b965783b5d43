//! Selectors that Kubernetes takes, and those that it refuses.

use proptest::prelude::*;

use super::*;

#[test]
fn requirements_are_read() {
    let check = |text: &str, expected: &[(&str, Comparison, &[&str])]| {
        let read = parse(text).unwrap();
        let read: Vec<(&str, Comparison, Vec<&str>)> = read
            .iter()
            .map(|requirement| {
                (requirement.key.as_str(), requirement.operator, requirement.values.iter().map(String::as_str).collect())
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(key, operator, values)| (*key, *operator, values.to_vec())).collect();
        assert_eq!(read, expected, "{text}");
    };
    check("", &[]);
    check("  ", &[]);
    check("a=b", &[("a", Comparison::Equal, &["b"])]);
    check("a==b,c!=d", &[("a", Comparison::Equal, &["b"]), ("c", Comparison::NotEqual, &["d"])]);
    check("a = ", &[("a", Comparison::Equal, &[""])]);
    check("a=,b", &[("a", Comparison::Equal, &[""]), ("b", Comparison::Present, &[])]);
    check("a in (b, c)", &[("a", Comparison::In, &["b", "c"])]);
    check("a notin (b,)", &[("a", Comparison::NotIn, &["b", ""])]);
    check("!a, b", &[("a", Comparison::Absent, &[]), ("b", Comparison::Present, &[])]);
    check("in in (in)", &[("in", Comparison::In, &["in"])]);
    check("app.kubernetes.io/name=x", &[("app.kubernetes.io/name", Comparison::Equal, &["x"])]);
}

#[test]
fn faults_are_named() {
    let check = |text: &str, expected: &str| {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    };
    check("=a", "found '=', expected: a label's name");
    check("a=b,", "found '', expected: a label's name");
    check("a=b c", "found 'c'");
    check("a===b", "found '='");
    check("a in b", "found 'b', expected: '('");
    check("a in ()", "found ')'");
    check("a in (b", "found ''");
    check("a b", "expected: in, notin");
    check("a>1", "'>' is not supported");
    check("a lt 1", "'lt' is not supported");
    check("a=b*", "'b*' is not the value");
    check("a=\"b\"", "is not the value");
    check("a=-b", "is not the value");
    check("ä=b", "is not the name");
    check("/a=b", "is not the name");
    check(&format!("a={}", "b".repeat(64)), "is not the value");
    check(&"a,".repeat(3000), "4096 bytes");
}

#[test]
fn labels_of_metrics_have_no_dashes() {
    assert!(conditions(&parse("a_1=b").unwrap()).is_ok());
    assert!(conditions(&parse("a-b=c").unwrap()).unwrap_err().to_string().contains("'a-b' is not the name of a metric's label"));
}

#[test]
fn answers_repeat_the_selector() {
    let shown = serde_json::to_string(&document(&parse("a=b,c!=d,e in (f,g),!h,i").unwrap())).unwrap();
    let expected = concat!(
        r#"{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"NotIn","values":["d"]},"#,
        r#"{"key":"e","operator":"In","values":["f","g"]},{"key":"h","operator":"DoesNotExist"},{"key":"i","operator":"Exists"}]}"#
    );
    assert_eq!(shown, expected);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-c=!(),<> ä.\\-]{0,20}|\\PC{0,20}") {
        if let Ok(requirements) = parse(&text) {
            let _conditions = conditions(&requirements);
            let _document = document(&requirements);
        }
    }
}
