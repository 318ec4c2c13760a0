//! Every scheme of segments gives each of the 125 cells one segment: the one of its definition, written here as rules.

use super::shop::Shop;

/// The list of codes that circulates for the classic scheme (Squeezely, "RFM app").
const CLASSIC: [(&str, &str); 11] = [
    ("Champions", "555 554 544 545 454 455 445"),
    ("Loyal", "543 444 435 355 354 345 344 335"),
    (
        "Potential Loyalist",
        "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 333 323",
    ),
    ("New", "512 511 422 421 412 411 311"),
    ("Promising", "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313"),
    ("Need Attention", "535 534 443 434 343 334 325 324"),
    ("About To Sleep", "331 321 312 221 213 231 241 251"),
    ("At Risk", "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124"),
    ("Cannot Lose Them", "155 154 144 214 215 115 114 113"),
    ("Hibernating", "332 322 233 232 223 222 132 123 122 212 211"),
    ("Lost", "111 112 121 131 141 151"),
];

fn classic11(r: i16, f: i16, m: i16) -> &'static str {
    let code = format!("{r}{f}{m}");
    let mut found = CLASSIC.iter().filter(|(_, codes)| codes.split(' ').any(|c| c == code));
    let (segment, _) = found.next().unwrap_or_else(|| panic!("{code} is in the list"));
    assert!(found.next().is_none(), "{code} is in the list once");
    segment
}

fn rf10(r: i16, f: i16, _: i16) -> &'static str {
    match (r, f) {
        (1..=2, 1..=2) => "Hibernating",
        (1..=2, 3..=4) => "At Risk",
        (1..=2, 5) => "Cannot Lose Them",
        (3, 1..=2) => "About To Sleep",
        (3, 3) => "Need Attention",
        (3..=4, 4..=5) => "Loyal",
        (4, 1) => "Promising",
        (5, 1) => "New",
        (4..=5, 2..=3) => "Potential Loyalist",
        (5, 4..=5) => "Champions",
        _ => panic!("{r}{f} is no cell"),
    }
}

fn seed5(r: i16, f: i16, m: i16) -> &'static str {
    if r >= 4 && f >= 4 && m >= 4 {
        "High-Value"
    } else if r >= 3 && f >= 3 {
        "Loyal"
    } else if r >= 3 {
        "New"
    } else if m >= 3 {
        "At-Risk"
    } else {
        "Lost"
    }
}

/// The rules of the code, in its order; the last is what it leaves over.
fn seed7(r: i16, f: i16, m: i16) -> &'static str {
    let rules = [
        (r >= 4 && f >= 4 && m >= 4, "High-Value"),
        (r >= 3 && f >= 4 && m >= 4, "Loyal"),
        (r <= 2 && f >= 3 && m >= 3, "At-Risk"),
        (r >= 4 && f <= 2 && m <= 2, "New"),
        (r >= 4 && f >= 3 && m <= 2, "Promising"),
        (r <= 2 && f <= 2 && m <= 2, "Lost"),
    ];
    rules.iter().find(|(fits, _)| *fits).map_or("Regular", |(_, segment)| segment)
}

/// A scheme's name and its segment of a cell.
type Scheme = (&'static str, fn(i16, i16, i16) -> &'static str);

async fn shop() -> Shop {
    Shop::of("SELECT n, (n * 7) % 211, 1 + (n * 3) % 17, (n * 5) % 77, n FROM generate_series(1, 250) AS n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundled_schemes_are_those_of_their_definitions_in_all_125_cells() {
    let shop = shop().await;
    shop.publish().await;
    let client = shop.warehouse.client().await.expect("a connection");
    let schemes: [Scheme; 4] = [("classic11", classic11), ("rf10", rf10), ("seed5", seed5), ("seed7", seed7)];
    for (scheme, defined) in schemes {
        let sql = "SELECT segment FROM marts.segment_rules WHERE scheme = $1 AND r_score = $2 AND f_score = $3 AND m_score = $4";
        for (r, f, m) in (1..=5).flat_map(|r| (1..=5).flat_map(move |f| (1..=5).map(move |m| (r, f, m)))) {
            let rows = client.query(sql, &[&scheme, &r, &f, &m]).await.expect("a cell");
            let found: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(found, [defined(r, f, m)], "{scheme} {r}{f}{m}");
        }
    }
    let count = "SELECT string_agg(concat_ws(' ', scheme, n), ', ' ORDER BY scheme) FROM (
        SELECT scheme, count(*) AS n FROM marts.segment_rules GROUP BY scheme) AS t";
    assert_eq!(shop.value(count).await, "classic11 125, rf10 125, seed5 125, seed7 125");
    let without = "SELECT count(*) FROM marts.rfm_segments WHERE segment IS NULL OR rf_segment IS NULL OR value_segment IS NULL OR lifecycle_segment IS NULL";
    assert_eq!(shop.value(without).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_of_ones_own_is_one_file_and_one_line() {
    let mut shop = shop().await;
    shop.write(
        "seeds/mine.csv",
        "r_score,f_score,m_score,segment\n5,*,*,Here\n3-4,*,1-3,Small\n3-4,*,4-5,Large\n1-2,*,*,Gone\n",
    );
    shop.set("segment_schemes", serde_json::json!(["mine"]));
    shop.publish().await;
    let wrong = "SELECT count(*) FROM marts.rfm_segments AS s JOIN marts.rfm_scores AS c USING (customer_id)
        WHERE s.mine IS DISTINCT FROM CASE WHEN r_score = 5 THEN 'Here' WHEN r_score < 3 THEN 'Gone' WHEN m_score < 4 THEN 'Small' ELSE 'Large' END";
    assert_eq!(shop.value(wrong).await, "0");
    assert_eq!(shop.value("SELECT count(*) FROM marts.segment_rules WHERE scheme = 'mine'").await, "125");
    let last = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'marts' AND table_name = 'rfm_segments' ORDER BY ordinal_position DESC";
    assert_eq!(shop.value(last).await, "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_doubled_cells_are_named() {
    let mut shop = shop().await;
    shop.set("segment_schemes", serde_json::json!(["mine"]));
    let cases = [
        ("5,*,*,Here\n3-4,*,1-5,There\n1-2,2-5,*,Gone\n1-2,1,1-4,Gone\n", "No segment: 115, 215."),
        ("5,*,*,Here\n1-5,5,5,Best\n1-4,*,1-4,Others\n1-4,1-4,5,Others\n", "More than one: 555."),
        ("*,*,1-4,Others\n1-4,*,5,Rich\n5,*,5,\n", "Without a name: 515, 525, 535, 545, 555."),
        ("*,*,1-4,Others\n1-5,*,6,Rich\n", "No segment: 115, 125, 135, 145, 155, 215,"),
    ];
    for (rows, told) in cases {
        shop.write("seeds/mine.csv", &format!("r_score,f_score,m_score,segment\n{rows}"));
        let report = shop.refuse().await;
        assert!(report.contains("scheme \"mine\" does not give each of the 125 cells one segment"), "{report}");
        assert!(report.contains(told), "{told}: {report}");
        assert!(report.contains("correct seeds/mine.csv;"), "{report}");
    }
    shop.settings.vars.clear();
    let bundled =
        std::fs::read_to_string(crate::shop::project_folder().join("seeds/rfm_segment_rules.csv")).expect("a seed");
    let without = bundled.lines().filter(|line| !line.starts_with("3,1,1,")).collect::<Vec<_>>().join("\n");
    shop.write("seeds/rfm_segment_rules.csv", &without);
    let report = shop.refuse().await;
    assert!(report.contains("scheme \"classic11\"") && report.contains("No segment: 311."), "{report}");
}
