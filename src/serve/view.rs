//! The first page as the template wants it: words, places and classes, no decision left to HTML.

use super::charts::{Line, Strip, line, slug, strip};
use super::format::{decimal, integer, money, percent};
use super::head::{Banner, Head};
use super::heat::{HeatMap, heat_map};
use crate::config::Schemas;
use crate::warehouse::pages::{Estimator, Overview, Persona, Section, Standing, WorkspaceEntry};
use serde::Serialize;

/// Everything on the page.
#[derive(Serialize)]
pub(super) struct View {
    #[serde(flatten)]
    head: Head,
    body: Option<Body>,
}

#[derive(Serialize)]
struct Body {
    figures: Vec<Figure>,
    figures_missing: Option<String>,
    personas: Vec<PersonaView>,
    personas_missing: Option<String>,
    strips: Vec<Strip>,
    segments: Vec<SegmentView>,
    segments_missing: Option<String>,
    cohorts: Option<HeatMap>,
    cohorts_missing: Option<String>,
    quality: Vec<QualityView>,
    quality_missing: Option<String>,
    quality_reason: Option<String>,
    lines: Vec<Line>,
    ltv: Vec<(&'static str, String)>,
    ltv_story: Option<String>,
    ltv_reason: Option<String>,
    ltv_leaky: Option<String>,
    ltv_honest: Option<String>,
    ltv_warnings: Vec<String>,
    estimators: Vec<EstimatorView>,
    estimators_missing: Option<String>,
}

/// A number of the first row of a page.
#[derive(Serialize)]
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) note: String,
    pub(super) is_alert: bool,
}

#[derive(Serialize)]
struct PersonaView {
    name: String,
    slug: String,
    customers: String,
    facts: Vec<(&'static str, String)>,
    insight: Option<String>,
    title: Option<String>,
    action: Option<String>,
    channel: Option<String>,
    is_empty: bool,
}

#[derive(Serialize)]
struct SegmentView {
    name: String,
    customers: String,
    customer_share: String,
    customer_width: String,
    revenue: String,
    revenue_share: String,
    revenue_width: String,
}

#[derive(Serialize)]
struct QualityView {
    k: i32,
    silhouette: String,
    inertia: String,
    is_chosen: bool,
}

#[derive(Serialize)]
struct EstimatorView {
    name: String,
    is_chosen: bool,
    tells_purchases: bool,
    gini: String,
    r2: String,
    bias: String,
    refusal: Option<String>,
    log_likelihood: String,
    dropout: &'static str,
}

/// Puts the page together.
pub(super) fn view(
    schemas: &Schemas,
    workspaces: &[WorkspaceEntry],
    standing: &Standing,
    look: Option<&Overview>,
) -> View {
    let mut head = Head::new("/", schemas, workspaces, standing);
    if look.is_some_and(|look| look.totals.rows.iter().any(|totals| totals.is_synthetic)) {
        head.banners.push(Banner {
            kind: "warn",
            title: "Customer ids are made up".into(),
            text: "The source had no customer ids, so synthetic ones stand in for them. \
                   The figures show the method; they do not describe real customers."
                .into(),
        });
    }
    View { head, body: look.map(body) }
}

fn body(look: &Overview) -> Body {
    let currency = look.totals.rows.first().and_then(|totals| totals.currency.as_deref());
    let chosen = look.estimators.rows.iter().find(|estimator| estimator.is_chosen);
    let process = look.estimators.rows.iter().find(|estimator| estimator.tells_purchases);
    Body {
        figures: figures(look, currency),
        figures_missing: missing(&look.totals, "no customer has ordered yet"),
        personas: look.personas.rows.iter().map(|persona| persona_view(persona, currency)).collect(),
        personas_missing: missing(&look.personas, "no customer has a persona yet"),
        strips: strips(&look.personas.rows),
        segments: segments(look, currency),
        segments_missing: missing(&look.segments, "no customer has scores yet"),
        cohorts: heat_map(&look.cohorts.rows),
        cohorts_missing: missing(&look.cohorts, "no cohort is there yet"),
        quality: look.cluster_quality.rows.iter().map(quality).collect(),
        quality_missing: missing(&look.cluster_quality, "no clusters were fitted"),
        quality_reason: look.cluster_quality.rows.iter().find_map(|row| row.reason.clone()),
        lines: lines(look),
        ltv: ltv(look, chosen, process),
        ltv_story: look.ltv.story.clone(),
        ltv_reason: look.ltv.reason.clone(),
        ltv_leaky: look.ltv.leaky.clone(),
        ltv_honest: look.ltv.honest.clone(),
        ltv_warnings: process.or(chosen).map(warnings).unwrap_or_default(),
        estimators: look.estimators.rows.iter().map(estimator).collect(),
        estimators_missing: missing(&look.estimators, "no lifetime values were fitted"),
    }
}

/// Why a section stays empty.
pub(super) fn missing<T>(section: &Section<T>, empty: &str) -> Option<String> {
    let told = || format!("There is nothing to show: {empty}.");
    section.missing.clone().or_else(|| section.rows.is_empty().then(told))
}

fn figures(look: &Overview, currency: Option<&str>) -> Vec<Figure> {
    let figure =
        |label: &str, value: String, note: String| Figure { label: label.into(), value, note, is_alert: false };
    let Some(totals) = look.totals.rows.first().filter(|totals| totals.customers > 0) else { return Vec::new() };
    let (customers, orders) = (totals.customers as f64, totals.orders.max(1) as f64);
    let returned = totals.gross_revenue - totals.revenue;
    let mut figures = vec![
        figure("Customers", integer(totals.customers), format!("{} orders", integer(totals.orders))),
        figure(
            "Revenue",
            money(totals.revenue, currency),
            if returned > 0.0 { format!("after {} returned", money(returned, currency)) } else { "no returns".into() },
        ),
        figure("Mean order value", money(totals.gross_revenue / orders, currency), "before returns".into()),
    ];
    let predicted: Vec<f64> = look.personas.rows.iter().filter_map(|persona| persona.predicted_ltv_total).collect();
    if !predicted.is_empty() {
        let total: f64 = predicted.iter().sum();
        let note = format!("{}, {} each", horizon(look), money(total / customers, currency));
        figures.push(figure("Predicted value", money(total, currency), note));
    }
    let repeat = totals.repeat_customers as f64 / customers;
    figures.push(figure(
        "Repeat share",
        percent(repeat),
        format!("{} ordered again", integer(totals.repeat_customers)),
    ));
    if let Some(at_risk) = look.personas.rows.iter().find(|persona| persona.persona == "At Risk") {
        let note = format!("spent so far by {} customers", integer(at_risk.customers));
        figures.push(Figure { is_alert: true, ..figure("At-risk value", money(at_risk.revenue, currency), note) });
    }
    figures
}

fn horizon(look: &Overview) -> String {
    match look.ltv.horizon_days {
        Some(days) if (360.0..=366.0).contains(&days) => "next 12 months".into(),
        Some(days) => format!("next {} days", decimal(days, 0)),
        None => "in all".into(),
    }
}

fn persona_view(persona: &Persona, currency: Option<&str>) -> PersonaView {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".into());
    PersonaView {
        name: persona.persona.clone(),
        slug: slug(&persona.persona),
        customers: integer(persona.customers),
        facts: vec![
            ("Customer share", percent(persona.customer_share)),
            ("Revenue share", percent(persona.revenue_share)),
            ("Last order", or_dash(persona.mean_recency_days.map(|days| format!("{} days ago", decimal(days, 0))))),
            ("Orders each", or_dash(persona.mean_frequency.map(|count| decimal(count, 1)))),
            ("Spent each", or_dash(persona.mean_monetary.map(|amount| money(amount, currency)))),
            ("Predicted each", or_dash(persona.predicted_ltv_mean.map(|amount| money(amount, currency)))),
        ],
        insight: persona.insight.clone(),
        title: persona.title.clone(),
        action: persona.action.clone(),
        channel: persona.channel.clone(),
        is_empty: persona.customers == 0,
    }
}

fn strips(personas: &[Persona]) -> Vec<Strip> {
    let parts = |share: fn(&Persona) -> f64| -> Vec<(String, f64)> {
        personas.iter().map(|persona| (persona.persona.clone(), share(persona))).collect()
    };
    vec![
        strip("Customers", &parts(|persona| persona.customer_share)),
        strip("Revenue", &parts(|persona| persona.revenue_share)),
    ]
}

fn segments(look: &Overview, currency: Option<&str>) -> Vec<SegmentView> {
    let rows = &look.segments.rows;
    let customers: i64 = rows.iter().map(|row| row.customers).sum();
    let revenue: f64 = rows.iter().map(|row| row.revenue).sum();
    let most_customers = rows.iter().map(|row| row.customers).max().unwrap_or(1).max(1) as f64;
    let most_revenue = rows.iter().map(|row| row.revenue).fold(f64::MIN_POSITIVE, f64::max);
    let width = |share: f64| format!("{:.2}%", (share * 100.0).clamp(0.0, 100.0));
    rows.iter()
        .map(|row| SegmentView {
            name: row.segment.clone().unwrap_or_else(|| "Without scores".into()),
            customers: integer(row.customers),
            customer_share: percent(row.customers as f64 / customers.max(1) as f64),
            customer_width: width(row.customers as f64 / most_customers),
            revenue: money(row.revenue, currency),
            revenue_share: percent(if revenue > 0.0 { row.revenue / revenue } else { 0.0 }),
            revenue_width: width(row.revenue / most_revenue),
        })
        .collect()
}

fn quality(row: &crate::warehouse::pages::ClusterQuality) -> QualityView {
    QualityView {
        k: row.k,
        silhouette: row.silhouette.map_or_else(|| "–".into(), |value| decimal(value, 3)),
        inertia: row.inertia_mean.map_or_else(|| "–".into(), |value| decimal(value, 3)),
        is_chosen: row.is_chosen,
    }
}

fn lines(look: &Overview) -> Vec<Line> {
    let rows = &look.cluster_quality.rows;
    let chosen = rows.iter().find(|row| row.is_chosen).map(|row| row.k);
    let of = |value: fn(&crate::warehouse::pages::ClusterQuality) -> Option<f64>| -> Vec<(i32, f64)> {
        rows.iter().filter_map(|row| value(row).filter(|value| value.is_finite()).map(|value| (row.k, value))).collect()
    };
    [
        line("Silhouette", "higher is better", &of(|row| row.silhouette), chosen),
        line("Inertia", "lower is tighter", &of(|row| row.inertia_mean), chosen),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn ltv(look: &Overview, chosen: Option<&Estimator>, process: Option<&Estimator>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(chosen) = chosen {
        facts.push(("Estimator", chosen.estimator.clone()));
    }
    if let Some(process) = process.filter(|process| !process.is_chosen) {
        facts.push(("Purchases by", process.estimator.clone()));
    }
    if look.ltv.horizon_days.is_some() {
        facts.push(("Horizon", horizon(look)));
    }
    if let Some(rate) = look.ltv.discount_rate_annual {
        facts.push(("Discount a year", percent(rate)));
    }
    if let Some(share) = look.ltv.margin_share {
        facts.push(("Margin counted", percent(share)));
    }
    facts
}

/// What the fit warns of, in its own words where it has any.
fn warnings(chosen: &Estimator) -> Vec<String> {
    let told: Vec<String> = match &chosen.warnings {
        Some(serde_json::Value::Array(warnings)) => {
            warnings.iter().filter_map(|warning| warning.as_str()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    if told.is_empty() && chosen.is_dropout_identified == Some(false) {
        let dropout = "The data do not show when customers stop buying, so the values assume that buying goes on.";
        return vec![dropout.to_owned()];
    }
    told
}

fn estimator(row: &Estimator) -> EstimatorView {
    EstimatorView {
        name: row.estimator.clone(),
        is_chosen: row.is_chosen,
        tells_purchases: row.tells_purchases && !row.is_chosen,
        gini: row.normalized_gini.map_or_else(|| "–".into(), |value| decimal(value, 3)),
        r2: row.r2.map_or_else(|| "–".into(), |value| decimal(value, 2)),
        bias: row
            .total_bias
            .map_or_else(|| "–".into(), |value| format!("{}{}", if value > 0.0 { "+" } else { "" }, percent(value))),
        refusal: row.refusal_reason.clone(),
        log_likelihood: row.log_likelihood.map_or_else(|| "–".into(), |value| decimal(value, 1)),
        // Only models of buying and leaving have a likelihood, and can see who left.
        dropout: match row.is_dropout_identified.filter(|_| row.log_likelihood.is_some()) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "–",
        },
    }
}
