//! A model's SELECT with the private models that it reads inside it, for questions before a run has made them.

use crate::error::Result;
use crate::project::{Access, Context, Materialization, Model, Project, RelationName, quote_identifier};
use std::collections::BTreeSet;

/// The SQL of a model; private views and tables that it needs are parts of a WITH, all else is as the context has it.
pub(super) fn inlined(project: &Project, name: &str, context: &Context) -> Result<String> {
    let is_inlined = |name: &String| {
        let model = project.models.get(name);
        let is_select = |m: &Model| matches!(m.materialization, Materialization::View | Materialization::Table);
        model.is_some_and(|m| is_select(m) && m.access == Access::Private)
    };
    let views: BTreeSet<String> = project.ancestors(name).into_iter().filter(is_inlined).collect();
    if views.is_empty() {
        return project.compile(name, context);
    }
    let mut context = context.clone();
    for view in &views {
        // Without a schema the name is that of the part.
        let part = RelationName { database: String::new(), schema: String::new(), identifier: view.clone() };
        context.relations.insert(view.clone(), part);
    }
    let parts = project.order(&views).into_iter().map(|view| {
        let sql = project.compile(&view, &context)?;
        Ok(format!("{} AS (\n{sql}\n)", quote_identifier(&view)))
    });
    let parts: Vec<String> = parts.collect::<Result<_>>()?;
    Ok(format!("WITH {}\nSELECT m.* FROM (\n{}\n) AS m", parts.join(",\n"), project.compile(name, &context)?))
}
