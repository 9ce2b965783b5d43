//! Selectors with labels that they match or not, and the texts of what is none.

use proptest::prelude::*;

use super::*;

fn labels(text: &str) -> BTreeMap<String, String> {
    text.split_terminator(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn matches_as_the_api_does() {
    let check = |text: &str, given: &str, expected: bool| {
        assert_eq!(Selector::parse(text).unwrap().matches(&labels(given)), expected, "{text} on {given}");
    };
    check("", "a=1", true);
    check("app=web", "app=web,x=y", true);
    check("app==web", "app=api", false);
    check("app=web,tier!=db", "app=web", true);
    check("app=web, tier != db", "app=web,tier=db", false);
    check("tier in (a, b)", "tier=b", true);
    check("tier notin (a,b)", "tier=b", false);
    check("tier notin (a,b)", "", true);
    check("tier", "tier=", true);
    check("!tier", "tier=x", false);
    check("tier=", "tier=", true);
    check("n>5", "n=6", true);
    check("n<5", "n=x", false);
    check("in=in", "in=in", true);
}

#[test]
fn what_is_none_is_refused_in_upstreams_words() {
    let check = |text: &str, expected: &str| assert_eq!(Selector::parse(text).unwrap_err().to_string(), expected);
    check("cheddar cheese", "unable to parse requirement: found 'cheese', expected: in, notin, =, ==, !=, gt, lt");
    check("a=====b", "unable to parse requirement: found '==', expected: identifier");
    check("app=(", "unable to parse requirement: found '(', expected: identifier");
    check("a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier");
    check("a in b", "unable to parse requirement: found 'b', expected: '('");
    check("a=b c", "found 'c', expected: ',' or 'end of string'");
    check("a=b,", "found '', expected: identifier after ','");
    check("=b", "found '=', expected: !, identifier, or 'end of string'");
}

#[test]
fn the_structured_form_is_written_as_text_and_as_go_prints_it() {
    let selector: LabelSelector = serde_json::from_str(
        r#"{"matchLabels":{"b":"2","a":"1"},"matchExpressions":[{"key":"c","operator":"In","values":["y","x"]},{"key":"a0","operator":"Exists"}]}"#,
    )
    .unwrap();
    assert_eq!(query(Some(&selector)).as_deref(), Some("a=1,a0,b=2,c in (x,y)"));
    assert_eq!(query(None), None);
    assert_eq!(query(Some(&LabelSelector::default())), None);
    assert_eq!(printed(None), "nil");
    assert_eq!(
        printed(Some(&selector)),
        "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{\
         LabelSelectorRequirement{Key:c,Operator:In,Values:[y x],},LabelSelectorRequirement{Key:a0,Operator:Exists,Values:[],},},}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z=!(),<> ]{0,30}") {
        let _parsed = Selector::parse(&text);
    }

    #[test]
    fn equalities_select_what_they_name(key in "[a-z][a-z0-9./-]{0,10}", value in "[a-z0-9]{1,10}") {
        let selector = Selector::parse(&format!("{key}={value}")).unwrap();
        let (same, other) = (labels(&format!("{key}={value}")), labels(&format!("{key}={value}x")));
        prop_assert!(selector.matches(&same) && !selector.matches(&other));
    }
}
