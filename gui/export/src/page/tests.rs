use super::*;

#[test]
fn text_of_others_ends_no_tag_and_no_line() {
    let hostile = "</script><script>alert(1)</script>\u{2028}\u{2029}<!--&amp;\"\\";
    let safe = json(&hostile).unwrap();
    for part in ["<", ">", "&", "\u{2028}", "\u{2029}"] {
        assert!(!safe.contains(part), "{safe}");
    }
    assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), hostile);
    assert_eq!(
        escape("<b title=\"&\">"),
        "&lt;b title=&quot;&amp;&quot;&gt;"
    );
}

#[test]
fn what_is_put_in_is_not_looked_at_again() {
    let content = |name: &str| Ok(format!("{{{{{name}}}}}<"));
    assert_eq!(
        fill("a {{b}} {{c}} d", content).unwrap(),
        "a {{b}}< {{c}}< d"
    );
    assert!(fill("a {{b", |_| Ok(String::new())).is_err());
}

#[test]
fn no_script_ends_itself() {
    for script in SEARCH.iter().chain([&VIEW]) {
        let script = script.to_lowercase();
        assert!(!script.contains("</script") && !script.contains("<!--"));
        assert!(!script.contains("innerhtml") && !script.contains("fetch("));
    }
    assert!(!STYLE.to_lowercase().contains("</style") && !STYLE.contains("url("));
}
