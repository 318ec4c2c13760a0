//! A dbt project, read and ready: its files, its packages, its profile, its manifest.

use super::load;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::project::Cell;
use crate::project::SourceFile;
use crate::project::context::{Flags, Target};
use crate::project::files::dbt_project::DbtProject;
use crate::project::files::profiles::{self, Profile, Wanted};
use crate::project::files::selectors::{self, Selector};
use crate::project::files::{Problem, Render};
use crate::project::manifest::{self, Clock, Input, Manifest, Package, World};
use crate::warehouse::Warehouse;
use crate::warehouse::in_place::{Limits, Session};
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a project is read with.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `--profiles-dir`
    pub profiles_dir: Option<PathBuf>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--target`
    pub target: Option<String>,
    /// `--vars`
    pub vars: BTreeMap<String, Json>,
    /// `--target-path`
    pub target_path: Option<PathBuf>,
    /// `--strict`
    pub is_strict: bool,
    /// What templates see as `flags`.
    pub flags: Flags,
    /// A connection that is used whatever the profile says.
    pub database_url: Option<String>,
    /// Tells the time.
    pub clock: Clock,
}

impl Request {
    /// A request of a command that nobody types: no flag but the command and the output of the profile.
    #[must_use]
    pub fn of_command(which: &str, target: Option<&str>) -> Request {
        let target = target.map(str::to_owned);
        let flags = Flags { which: which.to_owned(), target: target.clone(), ..Flags::default() };
        Request { target, flags, ..Request::default() }
    }
}

/// A project, read.
#[derive(Debug)]
pub struct DbtLayout {
    /// Its `dbt_project.yml`.
    pub project: DbtProject,
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// What renderings share.
    pub world: Arc<World>,
    /// Connection, as libpq writes it; none where the embedded server is to be used.
    pub connection: Option<String>,
    /// Nodes built at a time.
    pub threads: usize,
    /// Folder of artifacts and compiled SQL.
    pub target_dir: PathBuf,
    /// Texts of seeds, by package and file.
    pub seeds: BTreeMap<(String, String), String>,
    /// Everything that is odd.
    pub warnings: Vec<Error>,
    /// Definitions of `selectors.yml`.
    pub selectors: Vec<Selector>,
    /// Folder of each package.
    pub roots: BTreeMap<String, String>,
    /// Time that reading took, in milliseconds.
    pub read_ms: u128,
}

impl DbtLayout {
    /// Folder of artifacts, relative to the project where it lies in it.
    #[must_use]
    pub fn shown_target(&self) -> PathBuf {
        let root = self.roots.get(&self.project.name).map(Path::new);
        let below = root.and_then(|root| self.target_dir.strip_prefix(root).ok());
        below.unwrap_or(&self.target_dir).to_path_buf()
    }

    /// Takes the database that is connected to, where no profile named it.
    pub async fn take_target(&mut self, warehouse: &Warehouse) -> Result<()> {
        let session = Session::open(warehouse, None, Limits::default()).await?;
        let answer = session.execute("select current_database()::text").await?;
        session.commit().await?;
        let Some(Cell::Text(database)) = answer.rows.first().and_then(|row| row.first()) else { return Ok(()) };
        let known = self.world.target.database.clone();
        if known == *database {
            return Ok(());
        }
        let world = Arc::make_mut(&mut self.world);
        world.target.database.clone_from(database);
        let manifest = Arc::make_mut(&mut self.manifest);
        for node in Arc::make_mut(&mut manifest.nodes).values_mut().filter(|node| node.database == known) {
            node.database.clone_from(database);
        }
        for source in Arc::make_mut(&mut manifest.sources).values_mut().filter(|s| s.relation.database == known) {
            source.relation.database.clone_from(database);
        }
        Ok(())
    }
}

/// Reads `dbt_project.yml` alone; what is odd about it goes to `warnings`.
pub fn project_file(settings: &Settings, vars: &BTreeMap<String, Json>) -> Result<(DbtProject, Vec<Error>)> {
    let render = |text: &str| manifest::render_setting(text, &settings.environment, vars);
    read_project_file(&settings.project_dir, load::PROJECT_FILE, &render)
}

/// The packages of the project with their folders.
pub fn packages(settings: &Settings, vars: &BTreeMap<String, Json>) -> Result<Vec<(DbtProject, PathBuf)>> {
    let render = |text: &str| manifest::render_setting(text, &settings.environment, vars);
    let (project, _) = project_file(settings, vars)?;
    let mut found = Vec::new();
    for folder in load::package_folders(&settings.project_dir, &project, &render)? {
        let shown = folder.join(load::PROJECT_FILE);
        let (package, _) = read_project_file(&folder, &shown.to_string_lossy(), &render)?;
        found.push((package, folder));
    }
    Ok(found)
}

fn read_project_file(folder: &Path, shown: &str, render: Render<'_>) -> Result<(DbtProject, Vec<Error>)> {
    let path = folder.join(load::PROJECT_FILE);
    let text = load::optional(&path)?.ok_or_else(|| {
        Error::config(format!("folder \"{}\" is no dbt project: it has no {}", folder.display(), load::PROJECT_FILE))
            .hint("run the command in the project's folder, or name it with --project-dir")
    })?;
    let file = SourceFile { path: shown.to_owned(), text };
    let mut problems = Vec::new();
    let project = DbtProject::read(&file, render, &mut problems);
    let warnings = sorted(problems)?;
    let project = project.ok_or_else(|| Error::config(format!("file \"{shown}\" is no project")))?;
    Ok((project, warnings))
}

/// Errors are told, warnings given back.
fn sorted(problems: Vec<Problem>) -> Result<Vec<Error>> {
    let (errors, warnings): (Vec<Problem>, Vec<Problem>) = problems.into_iter().partition(Problem::is_error);
    refuse(errors.into_iter().map(Problem::into_error).collect())?;
    Ok(warnings.into_iter().map(Problem::into_error).collect())
}

/// Reads a project with its packages and its profile; every problem is told in one error.
pub fn read(settings: &Settings, request: &Request) -> Result<DbtLayout> {
    let began = std::time::Instant::now();
    let root = settings.project_dir.canonicalize().unwrap_or_else(|_| settings.project_dir.clone());
    let render = |text: &str| manifest::render_setting(text, &settings.environment, &request.vars);
    let (project, mut warnings) = project_file(settings, &request.vars)?;
    let profile = profile(settings, request, &project, &mut warnings)?;
    let mut roots = BTreeMap::from([(project.name.clone(), root.to_string_lossy().into_owned())]);
    let mut packages: Vec<Package> = vec![load::package(&root, &root, project.clone())?];
    for folder in load::package_folders(&root, &project, &render)? {
        let shown = folder.strip_prefix(&root).unwrap_or(&folder).join(load::PROJECT_FILE);
        // Oddities of packages are their authors' to mend.
        let (package, _) = read_project_file(&folder, &shown.to_string_lossy(), &render)?;
        if packages.iter().all(|known| known.name() != package.name) {
            roots.insert(package.name.clone(), folder.to_string_lossy().into_owned());
            packages.push(load::package(&root, &folder, package)?);
        }
    }
    let seeds = packages
        .iter()
        .flat_map(|package| package.files.iter().map(move |file| (package, file)))
        .filter(|(_, file)| file.path.ends_with(".csv"))
        .map(|(package, file)| ((package.name().to_owned(), file.path.clone()), file.text.clone()))
        .collect();
    let target = target(profile.as_ref(), request, settings);
    let threads = target.threads.max(1);
    let input = Input {
        packages,
        vars: settings.vars.clone().into_iter().chain(request.vars.clone()).collect(),
        env: settings.environment.variables(),
        target,
        flags: request.flags.clone(),
        started_at: request.clock.now(),
        clock: request.clock.clone(),
        invocation_id: invocation_id(request.clock.now()),
        constants: BTreeMap::new(),
        is_strict: request.is_strict,
    };
    let mut problems = Vec::new();
    let selectors = match load::optional_file(&root, "selectors.yml")? {
        Some(file) => selectors::read(&file, &render, &mut problems),
        None => Vec::new(),
    };
    warnings.extend(sorted(problems)?);
    let mut read = manifest::read(input);
    read.manifest.selectors = selectors.iter().map(|one| (one.name.clone(), one.json.clone())).collect();
    warnings.extend(read.warnings);
    let mut problems = read.problems;
    if request.is_strict {
        problems.append(&mut warnings);
    }
    refuse(problems)?;
    let target_dir = request.target_path.clone().unwrap_or_else(|| PathBuf::from(&project.paths.target));
    Ok(DbtLayout {
        connection: request.database_url.clone().or_else(|| profile.as_ref().map(load::connection_string)),
        target_dir: root.join(target_dir),
        project,
        manifest: Arc::new(read.manifest),
        world: read.world,
        threads,
        seeds,
        roots,
        warnings,
        selectors,
        read_ms: began.elapsed().as_millis(),
    })
}

/// One problem as it is, several as a numbered list in one error.
pub(super) fn refuse(mut problems: Vec<Error>) -> Result<()> {
    match problems.len() {
        0 => Ok(()),
        1 => problems.pop().map_or(Ok(()), Err),
        n => {
            let told = problems.iter().enumerate().map(|(place, problem)| numbered(place + 1, problem));
            Err(Error::config(format!("project has {n} problems"))
                .detail(format!("\n{}", told.collect::<Vec<_>>().join("\n"))))
        }
    }
}

/// `2. message`, and below it, indented, cause, facts and next step.
fn numbered(number: usize, problem: &Error) -> String {
    let number = format!("{number}. ");
    let told = problem.report();
    let told = told.strip_prefix("error: ").unwrap_or(&told);
    let mut text = number.clone();
    for (place, line) in told.lines().enumerate() {
        // Facts stand under their problem, which says enough without the word before them.
        let line = line.strip_prefix("detail: ").or_else(|| line.strip_prefix("  ")).unwrap_or(line);
        if place > 0 {
            text.push_str(&format!("\n{}", " ".repeat(number.len())));
        }
        text.push_str(line);
    }
    text
}

/// The profile, if there is one; a connection given on the command line makes do without.
fn profile(
    settings: &Settings,
    request: &Request,
    project: &DbtProject,
    warnings: &mut Vec<Error>,
) -> Result<Option<Profile>> {
    let from_env = settings.environment.get("DBT_PROFILES_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let given = request.profiles_dir.clone().or(from_env);
    let home = settings.environment.get("HOME").map(PathBuf::from);
    let Some(path) = load::profiles_file(given.as_deref(), &settings.project_dir, home.as_deref()) else {
        return match (&request.database_url, given) {
            (_, Some(folder)) => Err(Error::config(format!("folder \"{}\" has no profiles.yml", folder.display()))
                .hint("name the folder that holds it with --profiles-dir")),
            (Some(_), None) => Ok(None),
            (None, None) => Err(Error::config("no profiles.yml was found")
                .detail("Looked for in --profiles-dir, DBT_PROFILES_DIR, the project's folder and ~/.dbt.")
                .hint("write one (quintile init shows how), or give --database-url")),
        };
    };
    let shown = path.display().to_string();
    let shown = shown.strip_prefix("./").unwrap_or(&shown);
    let file = SourceFile { path: shown.to_owned(), text: load::optional(&path)?.unwrap_or_default() };
    let render = |text: &str| manifest::render_setting(text, &settings.environment, &request.vars);
    let wanted = Wanted {
        profile: request.profile.as_deref().or(project.profile.as_deref()),
        target: request.target.as_deref(),
    };
    let mut problems = Vec::new();
    let profile = profiles::read(&file, wanted, &render, &mut problems);
    match sorted(problems) {
        Ok(found) => warnings.extend(found),
        Err(_) if request.database_url.is_some() => return Ok(None),
        Err(e) => return Err(e),
    }
    Ok(profile)
}

fn target(profile: Option<&Profile>, request: &Request, settings: &Settings) -> Target {
    match profile {
        Some(profile) => Target {
            profile_name: profile.profile_name.clone(),
            name: profile.target_name.clone(),
            database: profile.database.clone(),
            schema: profile.schema.clone(),
            host: profile.host.clone(),
            port: profile.port,
            user: profile.user.clone(),
            threads: usize::try_from(profile.threads).unwrap_or(1),
            role: profile.role.clone(),
            search_path: profile.search_path.clone(),
            sslmode: profile.sslmode.clone(),
        },
        None => Target {
            name: request.target.clone().unwrap_or_else(|| "default".into()),
            schema: "public".into(),
            threads: settings.run.threads,
            ..Target::default()
        },
    }
}

/// A UUID of random digits, as dbt's invocation ids are.
fn invocation_id(now: DateTime<Utc>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&std::process::id().to_le_bytes());
    hasher.update(&now.timestamp_nanos_opt().unwrap_or_default().to_le_bytes());
    // The address of a fresh allocation differs between processes that start in the same nanosecond.
    hasher.update(format!("{:p}", Box::new(0_u8)).as_bytes());
    let hex = hasher.finalize().to_hex();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
