//! Expectations taken from dbt-core 1.11: each value alone in a column, mixed columns, and odd shapes of files.

use super::*;

fn column(values: &[&str]) -> (String, Vec<Option<String>>) {
    let quoted = values.iter().map(|v| format!("\"{}\",x\n", v.replace('"', "\"\""))).collect::<String>();
    let table = read("seeds/s.csv", &format!("a,k\n{quoted}"), ',', &[]).expect("a table");
    let values = table.rows.iter().map(|row| row.values[0].clone()).collect();
    (table.columns[0].kind.sql_type().to_owned(), values)
}

#[test]
fn each_value_has_the_type_that_dbt_infers() {
    let stamp = "timestamp without time zone";
    for (value, sql_type, text) in [
        ("1", "integer", "1"),
        ("01", "integer", "1"),
        ("+1", "integer", "1"),
        (" 1 ", "integer", "1"),
        ("1.0", "integer", "1"),
        ("1.50", "float8", "1.50"),
        ("1,000", "integer", "1000"),
        ("$5", "integer", "5"),
        ("5%", "integer", "5"),
        ("1e5", "integer", "100000"),
        ("1_000", "integer", "1000"),
        ("-3", "integer", "-3"),
        ("--3", "integer", "3"),
        ("−3", "text", "−3"),
        ("NaN", "integer", "NaN"),
        ("inf", "integer", "Infinity"),
        ("True", "boolean", "true"),
        (" TRUE ", "boolean", "true"),
        ("t", "text", "t"),
        ("yes", "text", "yes"),
        ("1/2", "text", "1/2"),
        ("2020-1-1", "date", "2020-01-01"),
        (" 2020-01-01", "date", "2020-01-01"),
        ("2020-02-30", "text", "2020-02-30"),
        ("20200101", "integer", "20200101"),
        ("2020-01-01 10:00:00", stamp, "2020-01-01 10:00:00"),
        ("2020-01-01T10:00:00", stamp, "2020-01-01 10:00:00"),
        ("2020-01-01T10:00:00Z", stamp, "2020-01-01 10:00:00+00:00"),
        ("2020-01-01T10:00:00+02:00", stamp, "2020-01-01 10:00:00+02:00"),
        ("2020-01-01 10:00", "text", "2020-01-01 10:00"),
        ("2020-01-01 10:00:00.5", "text", "2020-01-01 10:00:00.5"),
        ("2020-01-01T10:00:00.123456", stamp, "2020-01-01 10:00:00.123456"),
        ("2020-01", "text", "2020-01"),
        ("20200101T100000", stamp, "2020-01-01 10:00:00"),
        ("none", "text", "none"),
        ("n/a", "text", "n/a"),
        ("99999999999", "integer", "99999999999"),
        ("3.", "integer", "3"),
        ("0x10", "text", "0x10"),
        (".5", "float8", ".5"),
        ("€5", "integer", "5"),
        ("1 000", "text", "1 000"),
        ("(5)", "text", "(5)"),
        ("£3.2", "float8", "3.2"),
        ("- 5", "integer", "-5"),
        ("2020-01-01T10", stamp, "2020-01-01 10:00:00"),
        ("2020-001T10:00", stamp, "2020-01-01 10:00:00"),
        ("2020-01-01T10:00:00,5", stamp, "2020-01-01 10:00:00.5"),
        ("12:30", "text", "12:30"),
        ("5 %", "integer", "5"),
        ("1e-3", "float8", "1e-3"),
        ("-.5", "float8", "-.5"),
        ("1.00", "integer", "1"),
    ] {
        assert_eq!(column(&[value]), (sql_type.to_owned(), vec![Some(text.to_owned())]), "{value:?}");
    }
    for null in ["null", "NULL", " Null ", "", " "] {
        assert_eq!(column(&[null]), ("integer".to_owned(), vec![None]), "{null:?}");
    }
}

#[test]
fn a_column_has_the_type_that_all_its_values_have() {
    for (values, sql_type) in [
        (["1", "1.5"], "float8"),
        (["1", ""], "integer"),
        (["1", "a"], "text"),
        (["2020-01-01", "2020-01-01 10:00:00"], "text"),
        (["2020-01-01T10:00:00", "2020-01-01"], "text"),
        (["2020-01-01 10:00:00", "2020-01-01T10:00:00"], "text"),
        (["true", "1"], "text"),
        (["true", ""], "boolean"),
        (["1.0", "2.00"], "integer"),
    ] {
        assert_eq!(column(&values).0, sql_type, "{values:?}");
    }
    assert_eq!(column(&["a", "null", " b "]).1, [Some("a".into()), None, Some(" b ".into())]);
}

#[test]
fn odd_files_have_the_shape_that_dbt_gives_them() {
    let shape = |text: &str| {
        let table = read("seeds/s.csv", text, ',', &[]).expect("a table");
        let names: Vec<String> = table.columns.into_iter().map(|c| c.name).collect();
        (names.join("/"), table.rows.len())
    };
    for (text, names, rows) in [
        ("a,b\n1\n", "a/b", 1),
        ("a,a\n1,2\n", "a/a_2", 1),
        ("a,\n1,2\n", "a/b", 1),
        (",a\n1,2\n", "a/a_2", 1),
        ("a,b\n", "a/b", 0),
        ("a\n\n1\n", "a", 2),
        ("a,b\n1,2\n\n3,4\n", "a/b", 3),
        (" a ,b\n1,2\n", " a /b", 1),
        ("\u{feff}a,b\r\n1,2\r\n", "a/b", 1),
        ("a,b\n1,2", "a/b", 1),
    ] {
        assert_eq!(shape(text), (names.to_owned(), rows), "{text:?}");
    }
    let table = read("s.csv", "a;b\n\"x\ny\";\"q\"\"q\"r\nz;\"\"\n", ';', &["b".into()]).expect("a table");
    assert_eq!(table.rows[0].values, [Some("x\ny".to_owned()), Some("q\"qr".to_owned())]);
    assert_eq!((table.rows[1].line, table.rows[1].values[1].clone()), (4, None));
}

#[test]
fn a_row_that_is_too_long_names_its_line() {
    let error = read("seeds/s.csv", "a,b\n1,2\n1,2,3\n", ',', &[]).expect_err("too long");
    assert_eq!(error.detail.as_deref(), Some("Line 3 has 3 values for 2 columns."));
    assert!(read("seeds/s.csv", "", ',', &[]).is_err());
}
