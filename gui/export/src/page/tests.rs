use super::*;

#[test]
fn encode_json_and_escape_html_neutralize_tags_and_line_ends() {
    let hostile = "</script><script>alert(1)</script>\u{2028}\u{2029}<!--&amp;\"\\";
    let safe = encode_json(&hostile).unwrap();
    for part in ["<", ">", "&", "\u{2028}", "\u{2029}"] {
        assert!(!safe.contains(part), "{safe}");
    }
    assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), hostile);
    assert_eq!(
        escape_html("<b title=\"&\">"),
        "&lt;b title=&quot;&amp;&quot;&gt;"
    );
}

#[test]
fn fill_template_does_not_expand_inserted_text() {
    let content = |name: &str| Ok(format!("{{{{{name}}}}}<"));
    assert_eq!(
        fill_template("a {{b}} {{c}} d", content).unwrap(),
        "a {{b}}< {{c}}< d"
    );
    assert!(fill_template("a {{b", |_| Ok(String::new())).is_err());
}

#[test]
fn scripts_contain_no_closing_tags_and_no_requests() {
    for script in SEARCH.iter().chain([&VIEW]) {
        let script = script.to_lowercase();
        assert!(!script.contains("</script") && !script.contains("<!--"));
        assert!(!script.contains("innerhtml") && !script.contains("fetch("));
    }
    assert!(!STYLE.to_lowercase().contains("</style") && !STYLE.contains("url("));
}
