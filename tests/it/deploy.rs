//! The Kubernetes manifests, read as files: what they name exists, and every pod keeps to the restricted standard.

use quintile::config::Settings;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The resources and the names of generated config maps of a folder, those it builds on included.
fn collect(folder: &Path, resources: &mut Vec<(PathBuf, Value)>, config_maps: &mut Vec<(String, PathBuf)>) {
    let kustomization = read(&folder.join("kustomization.yaml"));
    for name in texts(&kustomization["resources"]) {
        let path = folder.join(&name);
        if path.is_dir() {
            collect(&path, resources, config_maps);
        } else {
            let resource = read(&path);
            resources.push((path, resource));
        }
    }
    for map in kustomization["configMapGenerator"].as_array().into_iter().flatten() {
        for file in texts(&map["files"]) {
            config_maps.push((map["name"].as_str().expect("a name").to_owned(), folder.join(file)));
        }
    }
    for patch in kustomization["patches"].as_array().into_iter().flatten() {
        let patch: Value = serde_saphyr::from_str(patch["patch"].as_str().expect("text")).expect("YAML");
        if patch["$patch"] == "delete" {
            let before = resources.len();
            resources.retain(|(_, resource)| {
                resource["kind"] != patch["kind"] || resource["metadata"]["name"] != patch["metadata"]["name"]
            });
            assert_eq!(resources.len() + 1, before, "{}: removes a resource that is there: {patch}", folder.display());
        }
    }
}

fn folders() -> Vec<PathBuf> {
    let overlays =
        std::fs::read_dir(root().join("deploy/overlays")).expect("overlays").map(|entry| entry.expect("entry").path());
    std::iter::once(root().join("deploy/base")).chain(overlays).collect()
}

fn pod_of(resource: &Value) -> Option<&Value> {
    match resource["kind"].as_str()? {
        "Deployment" => Some(&resource["spec"]["template"]["spec"]),
        "CronJob" => Some(&resource["spec"]["jobTemplate"]["spec"]["template"]["spec"]),
        _ => None,
    }
}

/// What breaks the "restricted" Pod Security Standard or our own stricter rules.
fn breaches(pod: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut want = |place: &str, is: &Value, should: &Value| {
        if is != should {
            found.push(format!("{place} is {is}, and must be {should}"));
        }
    };
    want("automountServiceAccountToken", &pod["automountServiceAccountToken"], &json!(false));
    want("runAsNonRoot", &pod["securityContext"]["runAsNonRoot"], &json!(true));
    want("runAsUser", &pod["securityContext"]["runAsUser"], &json!(65532));
    want("seccompProfile", &pod["securityContext"]["seccompProfile"], &json!({"type": "RuntimeDefault"}));
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        want(host, &pod[host], &Value::Null);
    }
    let containers: Vec<&Value> =
        ["containers", "initContainers"].iter().flat_map(|list| pod[*list].as_array().into_iter().flatten()).collect();
    want("number of containers", &json!(containers.len()), &json!(1));
    for container in containers {
        let security = &container["securityContext"];
        want("allowPrivilegeEscalation", &security["allowPrivilegeEscalation"], &json!(false));
        want("privileged", &security["privileged"], &json!(false));
        want("readOnlyRootFilesystem", &security["readOnlyRootFilesystem"], &json!(true));
        want("capabilities", &security["capabilities"], &json!({"drop": ["ALL"]}));
        want("limit on CPU", &container["resources"]["limits"]["cpu"], &Value::Null);
        for (place, value) in
            [("memory limit", "/resources/limits/memory"), ("memory request", "/resources/requests/memory")]
        {
            want(place, &json!(container.pointer(value).is_some()), &json!(true));
        }
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            want("readOnly of a mount", &mount["readOnly"], &json!(true));
        }
    }
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        let kind =
            volume.as_object().and_then(|volume| volume.keys().find(|key| *key != "name")).cloned().unwrap_or_default();
        want("kind of a volume", &json!(["configMap", "secret", "emptyDir"].contains(&&*kind)), &json!(true));
    }
    found
}

#[test]
fn every_pod_keeps_to_the_restricted_standard() {
    let mut pods = 0;
    for folder in folders() {
        let (mut resources, mut config_maps) = (Vec::new(), Vec::new());
        collect(&folder, &mut resources, &mut config_maps);
        for (path, pod) in resources.iter().filter_map(|(path, resource)| Some((path, pod_of(resource)?))) {
            assert_eq!(breaches(pod), Vec::<String>::new(), "{}", path.display());
            pods += 1;
        }
    }
    assert!(pods >= 3, "the pods are found");
}

#[test]
fn a_planted_breach_is_found() {
    let resource = read(&root().join("deploy/base/deployment.yaml"));
    let pod = pod_of(&resource).expect("a pod");
    let plants: [(&str, Value); 8] = [
        ("/automountServiceAccountToken", json!(true)),
        ("/securityContext/runAsNonRoot", json!(false)),
        ("/securityContext/runAsUser", json!(0)),
        ("/securityContext/seccompProfile/type", json!("Unconfined")),
        ("/containers/0/securityContext/readOnlyRootFilesystem", json!(false)),
        ("/containers/0/securityContext/capabilities/drop", json!([])),
        ("/containers/0/volumeMounts/0/readOnly", json!(false)),
        ("/volumes/0", json!({"name": "config", "hostPath": {"path": "/"}})),
    ];
    for (pointer, value) in plants {
        let mut pod = pod.clone();
        *pod.pointer_mut(pointer).expect(pointer) = value;
        assert_eq!(breaches(&pod).len(), 1, "{pointer}");
    }
}

#[test]
fn what_the_manifests_name_exists() {
    for folder in folders() {
        let (mut resources, mut config_maps) = (Vec::new(), Vec::new());
        collect(&folder, &mut resources, &mut config_maps);
        let at = folder.display();
        let accounts: Vec<&Value> = resources
            .iter()
            .filter(|(_, r)| r["kind"] == "ServiceAccount")
            .map(|(_, r)| &r["metadata"]["name"])
            .collect();
        for pod in resources.iter().filter_map(|(_, resource)| pod_of(resource)) {
            assert!(accounts.contains(&&pod["serviceAccountName"]), "{at}: service account");
            let container = &pod["containers"][0];
            let volume = |name: &str| {
                pod["volumes"].as_array().into_iter().flatten().find(|volume| volume["name"] == name).cloned()
            };
            for variable in container["env"].as_array().expect("variables") {
                let path = variable["value"].as_str().expect("a path");
                let mounts = container["volumeMounts"].as_array().expect("mounts");
                let mount = mounts.iter().find(|mount| path.starts_with(mount["mountPath"].as_str().expect("a path")));
                let mount = mount.unwrap_or_else(|| panic!("{at}: {path} lies in no mount"));
                let volume = volume(mount["name"].as_str().expect("a name")).unwrap_or_else(|| panic!("{at}: {mount}"));
                if let Some(map) = volume["configMap"]["name"].as_str() {
                    let file = path.rsplit('/').next().expect("a file");
                    let is_generated = config_maps.iter().any(|(name, source)| name == map && source.ends_with(file));
                    assert!(is_generated, "{at}: {map} holds no {file}");
                }
            }
            if let Some(path) = container["readinessProbe"]["httpGet"]["path"].as_str() {
                assert_eq!((path, container["livenessProbe"]["httpGet"]["path"].as_str()), ("/readyz", Some("/livez")));
                assert_eq!(container["ports"][0]["containerPort"], 8080);
            }
        }
    }
}

#[test]
fn the_settings_in_the_manifests_are_right_and_fit_the_pod() {
    let deployment = read(&root().join("deploy/base/deployment.yaml"));
    let patience = pod_of(&deployment).expect("a pod")["terminationGracePeriodSeconds"].as_u64().expect("seconds");
    for folder in folders() {
        let (mut resources, mut config_maps) = (Vec::new(), Vec::new());
        collect(&folder, &mut resources, &mut config_maps);
        assert!(!config_maps.is_empty());
        for (_, file) in config_maps {
            let settings = Settings::load_from(&root(), Some(&file))
                .unwrap_or_else(|e| panic!("{}: {}", file.display(), e.report()));
            assert_eq!(settings.serve.listen, "0.0.0.0:8080", "{}", file.display());
            assert!(settings.serve.grace_seconds < patience, "{}: killed before its grace is over", file.display());
            assert!(!settings.jobs.is_empty(), "{}: a daemon without a job", file.display());
        }
    }
    let shipped = |path| std::fs::read_to_string(root().join(path)).expect("text");
    assert_eq!(shipped("config/production.toml"), shipped("deploy/base/quintile.toml"), "the two are one file");
}

#[test]
fn a_cron_job_keeps_the_schedule_of_the_job_that_it_runs() {
    let resource = read(&root().join("deploy/overlays/cronjob/cronjob.yaml"));
    let spec = &resource["spec"];
    assert_eq!(spec["concurrencyPolicy"], "Forbid");
    let arguments = texts(&pod_of(&resource).expect("a pod")["containers"][0]["args"]);
    let [run, once, option, name] = &arguments[..] else { panic!("{arguments:?}") };
    assert_eq!((run.as_str(), once.as_str(), option.as_str()), ("run", "--once", "--job"));
    let command = quintile::cli::command();
    assert!(command.try_get_matches_from(["quintile", run, once, option, name]).is_ok(), "{arguments:?}");
    let settings = Settings::load_from(&root(), Some(&root().join("deploy/base/quintile.toml"))).expect("right");
    let job = settings.jobs.iter().find(|job| job.name == *name).expect("a job of this name");
    assert_eq!((&spec["schedule"], &spec["timeZone"]), (&json!(job.schedule), &json!(job.timezone)));
}

#[test]
fn the_image_runs_as_the_pod_expects_and_gets_only_what_it_names() {
    let dockerfile = std::fs::read_to_string(root().join("Dockerfile")).expect("text");
    let last_stage = dockerfile.rsplit_once("FROM ").expect("a stage").1;
    let pod = read(&root().join("deploy/base/deployment.yaml"));
    let uid = &pod_of(&pod).expect("a pod")["securityContext"]["runAsUser"];
    for line in ["scratch\n", &format!("USER {uid}:{uid}\n"), "ENTRYPOINT [\"/quintile\"]\n", "CMD [\"serve\"]\n"] {
        assert!(last_stage.contains(line), "the last stage has {line:?}");
    }
    let copies =
        dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|copy| !copy.starts_with("--from"));
    let copied: std::collections::BTreeSet<&str> =
        copies.flat_map(|copy| copy.split(' ').rev().skip(1).collect::<Vec<_>>()).collect();
    let ignore = std::fs::read_to_string(root().join(".dockerignore")).expect("text");
    let let_in: std::collections::BTreeSet<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignore.lines().any(|line| line == "*"), "all else stays out");
    assert_eq!(copied, let_in, "what the Dockerfile copies is what the context lets in");
}
