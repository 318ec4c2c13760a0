//! Renders pages from the templates in `dashboard/`, which are part of the program.

use super::quality_view::quality_view;
use super::view::view;
use crate::config::Schemas;
use crate::error::{Error, Result};
use crate::warehouse::pages::{Overview, Standing, WorkspaceEntry};
use crate::warehouse::quality_look::QualityLook;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;
use std::sync::LazyLock;

const TEMPLATES: [(&str, &str); 13] = [
    ("base.html", include_str!("../../dashboard/templates/base.html")),
    ("overview.html", include_str!("../../dashboard/templates/overview.html")),
    ("personas.html", include_str!("../../dashboard/templates/personas.html")),
    ("segments.html", include_str!("../../dashboard/templates/segments.html")),
    ("cohorts.html", include_str!("../../dashboard/templates/cohorts.html")),
    ("clusters.html", include_str!("../../dashboard/templates/clusters.html")),
    ("ltv.html", include_str!("../../dashboard/templates/ltv.html")),
    ("page.html", include_str!("../../dashboard/templates/page.html")),
    ("quality.html", include_str!("../../dashboard/templates/quality.html")),
    ("quality_sources.html", include_str!("../../dashboard/templates/quality_sources.html")),
    ("figures.html", include_str!("../../dashboard/templates/figures.html")),
    ("quality_checks.html", include_str!("../../dashboard/templates/quality_checks.html")),
    ("message.html", include_str!("../../dashboard/templates/message.html")),
];

/// All templates, or the first that cannot be read; a test reads them.
static ENVIRONMENT: LazyLock<std::result::Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(|e| e.to_string())?;
    environment.set_syntax(syntax);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).map_err(|e| e.to_string())?;
    }
    Ok(environment)
});

/// The first page.
pub(super) fn overview(
    schemas: &Schemas,
    workspaces: &[WorkspaceEntry],
    standing: &Standing,
    look: Option<&Overview>,
) -> Result<Response> {
    let html = render("overview.html", view(schemas, workspaces, standing, look))?;
    Ok(Html(html).into_response())
}

/// The page of data quality.
pub(super) fn quality(
    schemas: &Schemas,
    workspaces: &[WorkspaceEntry],
    standing: &Standing,
    look: Option<&QualityLook>,
) -> Result<Response> {
    let html = render("quality.html", quality_view(schemas, workspaces, standing, look))?;
    Ok(Html(html).into_response())
}

/// A small page with one message.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    match render("message.html", context! { title, text, version => env!("CARGO_PKG_VERSION") }) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (status, format!("{title}\n")).into_response(),
    }
}

fn render(name: &str, values: impl Serialize) -> Result<String> {
    let told = |cause: String| Error::failed(format!("page \"{name}\" cannot be rendered: {cause}"));
    let environment = ENVIRONMENT.as_ref().map_err(|cause| told(cause.clone()))?;
    environment.get_template(name).and_then(|template| template.render(Serde(values))).map_err(|e| told(e.to_string()))
}
