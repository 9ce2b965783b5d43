//! Forms and roundings. The expected values follow from the documented grammar and rounding of Kubernetes quantities.

use proptest::prelude::*;

use super::*;

#[test]
fn prints_the_canonical_form() {
    let check = |text: &str, expected: &str| assert_eq!(Quantity::parse(text).unwrap().to_string(), expected, "{text}");
    check("42", "42");
    check("1234m", "1234m");
    check("-3250m", "-3250m");
    check("5000", "5k");
    check("1e15", "1e15");
    check("1000000000000000", "1P");
    check("0.0", "0");
    check("-0", "0");
    check("+1.50", "1500m");
    check(".5", "500m");
    check("5.", "5");
    check("0.1m", "100u");
    check("1n", "1n");
    check("0.5n", "1n");
    check("-0.5n", "-1n");
    check("1.5Ki", "1536");
    check("2048Ki", "2Mi");
    check("512Ki", "512Ki");
    check("1Ki", "1Ki");
    check("0.5Ki", "512");
    check("1.0001Ki", "1024102400u");
    check("1E", "1E");
    check("1E3", "1e3");
    check("1500e-3", "1500e-3");
    check("2000e-3", "2");
    check("9223372036854775807", "9223372036854775807");
    check("9223372036854775808", "9223372036854775807");
    check("-100E", "-9223372036854775807");
    check("16Ei", "9223372036854775807");
    check("1e-40", "1e-9");
    check("0e99999", "0");
    check("1e999", "9223372036854775807");
    check("00000000000000000000000000000000000000000000000000000000000000000000000000000000001", "1");
    assert_eq!(Quantity::from_milli(501_484).to_string(), "501484m");
    assert_eq!(Quantity::from_milli(100_000).to_string(), "100");
    assert_eq!(Quantity::from_milli(i64::MIN).to_string(), "-9223372036854775808m");
}

#[test]
fn refuses_what_is_no_quantity() {
    for text in [
        "",
        "-",
        "+",
        ".",
        "m",
        "1.2.3",
        "1x",
        "1 ",
        " 1",
        "1e",
        "1e+",
        "1e1.5",
        "1ki",
        "1KI",
        "1mi",
        "--1",
        "+-1",
        "1٣",
        "1e99999999999999999999",
        "NaN",
        "inf",
    ] {
        assert!(Quantity::parse(text).is_err(), "{text}");
    }
    let error = Quantity::parse("12Q").unwrap_err().to_string();
    assert!(error.starts_with("'12Q' is not a quantity: its suffix"), "{error}");
}

#[test]
fn milli_value_rounds_away_from_zero() {
    let check = |text: &str, expected: i64| assert_eq!(Quantity::parse(text).unwrap().milli_value(), expected, "{text}");
    check("1234567u", 1235);
    check("-1234567u", -1235);
    check("1n", 1);
    check("0", 0);
    check("100", 100_000);
    check("9E", i64::MAX);
    check("-9E", i64::MIN);
    assert_eq!(Quantity::parse("1001m").unwrap().value(), 2);
}

#[test]
fn json_takes_strings_and_bare_numbers() {
    let check = |json: &str, expected: Option<&str>| {
        let read = serde_json::from_str::<Quantity>(json).ok().map(|quantity| quantity.to_string());
        assert_eq!(read.as_deref(), expected, "{json}");
    };
    check("\"501484m\"", Some("501484m"));
    check("100", Some("100"));
    check("-5", Some("-5"));
    check("18446744073709551615", Some("9223372036854775807"));
    check("0.5", Some("500m"));
    check("\"\"", None);
    check("true", None);
    check("null", None);
    assert_eq!(serde_json::to_string(&Quantity::from_milli(1234)).unwrap(), "\"1234m\"");
}

#[test]
fn equality_and_order_go_by_the_amount() {
    assert_eq!(Quantity::parse("1Ki").unwrap(), Quantity::parse("1024").unwrap());
    assert!(Quantity::parse("999m").unwrap() < Quantity::parse("1").unwrap());
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _read = Quantity::parse(&text);
    }

    #[test]
    fn what_is_printed_reads_back_as_the_same(text in "[-+]?[0-9]{0,22}\\.?[0-9]{0,12}(n|u|m||k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e-?[0-9]{1,2})") {
        if let Ok(quantity) = Quantity::parse(&text) {
            let printed = quantity.to_string();
            let again = Quantity::parse(&printed).unwrap();
            prop_assert_eq!(again, quantity);
            prop_assert_eq!(again.to_string(), printed);
        }
    }

    #[test]
    fn thousandths_are_exact(milli in any::<i64>()) {
        let quantity = Quantity::from_milli(milli);
        prop_assert_eq!(quantity.milli_value(), milli);
        // The cap cuts nothing off: 64 bits of thousandths are far below it.
        prop_assert_eq!(Quantity::parse(&quantity.to_string()).unwrap().milli_value(), milli);
    }
}
