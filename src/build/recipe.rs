//! What each way of building runs, and where it leaves its files, when the message says nothing else.

use crate::edge::EdgeError;
use crate::model::{Build, BuildType, CfFramework, OutputDir};

/// What a build runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    /// The program.
    pub(super) work: Work,
    /// Where it leaves its files, relative to the website's folder.
    pub(super) output: String,
}

/// The program of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// The files are there.
    Nothing,
    /// A command, run in the sandbox.
    Command {
        /// The command and its arguments.
        words: Vec<String>,
        /// What must be there for it.
        needs: Needs,
    },
    /// An output of the source's flake, built by Nix.
    Flake {
        /// The output, as `.#site`.
        attribute: String,
    },
}

/// What must be there for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// The hugo that is installed.
    Hugo,
    /// A hugo from Nix.
    HugoNix,
    /// Node.js; the source must be a project of it.
    Node,
    /// Nothing beyond the system; Node.js where the source is a project of it.
    Any,
}

/// The usual command and output of a way of building or of a framework.
struct Usual {
    command: &'static [&'static str],
    output: &'static str,
}

/// The output that a `command` without another leaves its files in: what most tools call theirs.
const OUTPUT: &str = "dist";

/// The commands of the ways of building.
const fn of_type(kind: BuildType) -> Usual {
    let (command, output): (&[&str], _) = match kind {
        BuildType::Hugo | BuildType::HugoNix => (&["hugo"], "public"),
        BuildType::AstroStatic => (&["astro", "build"], "dist"),
        BuildType::NextStatic => (&["next", "build"], "out"),
        BuildType::NuxtStatic => (&["nuxt", "generate"], ".output/public"),
        BuildType::Command => (&[], OUTPUT),
        BuildType::StaticPrebuilt | BuildType::NixFlake | BuildType::Treelink => (&[], ""),
    };
    Usual { command, output }
}

/// The commands that Cloudflare Pages gives its frameworks
/// (developers.cloudflare.com/pages/configuration/build-configuration, April 2026).
const fn of_framework(framework: CfFramework) -> Option<Usual> {
    let (command, output): (&[&str], _) = match framework {
        CfFramework::None => return None,
        CfFramework::Hugo => (&["hugo"], "public"),
        CfFramework::Next => (&["npx", "next", "build"], "out"),
        CfFramework::Astro | CfFramework::Nuxt => (&["npm", "run", "build"], "dist"),
    };
    Some(Usual { command, output })
}

impl Recipe {
    /// The recipe of a message.
    ///
    /// # Errors
    /// The output is no path below the source.
    pub(super) fn of(build: &Build) -> Result<Self, EdgeError> {
        let kind = build.kind;
        let framework = of_framework(build.framework);
        let usual = framework.unwrap_or_else(|| of_type(kind));
        let given = match &build.output {
            Some(OutputDir::Relative(path)) => Some(path.to_string()),
            Some(OutputDir::Absolute(_)) => {
                let message =
                    "the output of a build is a folder of its source, not an absolute path";
                return Err(EdgeError::rejected(message).at("build.outputDir"));
            }
            None => None,
        };
        let output = |usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
        Ok(match kind {
            BuildType::StaticPrebuilt | BuildType::Treelink => Self {
                work: Work::Nothing,
                output: output(""),
            },
            BuildType::NixFlake => Self {
                work: Work::Flake {
                    attribute: attribute(build),
                },
                output: output(""),
            },
            BuildType::Hugo
            | BuildType::HugoNix
            | BuildType::AstroStatic
            | BuildType::NextStatic
            | BuildType::NuxtStatic
            | BuildType::Command => {
                let output = output(usual.output);
                Self {
                    work: Work::Command {
                        words: words(build, usual.command, &output),
                        needs: needs(kind),
                    },
                    output,
                }
            }
        })
    }
}

/// The flake output to build.
pub(super) fn attribute(build: &Build) -> String {
    match build.flake_attribute.as_str() {
        "" => ".#default".to_owned(),
        named => named.to_owned(),
    }
}

const fn needs(kind: BuildType) -> Needs {
    match kind {
        BuildType::Hugo => Needs::Hugo,
        BuildType::HugoNix => Needs::HugoNix,
        BuildType::AstroStatic | BuildType::NextStatic | BuildType::NuxtStatic => Needs::Node,
        BuildType::Command
        | BuildType::StaticPrebuilt
        | BuildType::NixFlake
        | BuildType::Treelink => Needs::Any,
    }
}

fn words(build: &Build, usual: &[&str], output: &str) -> Vec<String> {
    let given: Vec<String> = build.command.iter().map(ToString::to_string).collect();
    match given.as_slice() {
        [] if usual == ["hugo"] => {
            // Where the site's own configuration would put its files does not matter then. The lock file is for
            // several of them in one folder.
            let words = ["hugo", "--noBuildLock", "--destination", output];
            words.map(str::to_owned).to_vec()
        }
        [] => usual.iter().map(|word| (*word).to_owned()).collect(),
        [line] if build.shell => vec!["/bin/sh".into(), "-c".into(), line.clone()],
        _ => given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CachePolicy, Line, Parse, RelativePath};

    fn build(kind: BuildType) -> Build {
        Build {
            kind,
            output: None,
            framework: CfFramework::None,
            command: Vec::new(),
            shell: false,
            environment: Vec::new(),
            timeout_seconds: 0,
            cache_policy: CachePolicy::Reuse,
            flake_attribute: Line::default(),
        }
    }

    /// A recipe as one line.
    fn told(build: &Build) -> String {
        let Recipe { work, output } = Recipe::of(build).unwrap();
        match work {
            Work::Nothing => format!("{output:?}"),
            Work::Command { words, needs } => format!("{needs:?}: {words:?} -> {output}"),
            Work::Flake { attribute } => format!("{attribute} -> {output:?}"),
        }
    }

    #[test]
    fn every_way_of_building_has_its_usual_command_and_output() {
        let cases = [
            (BuildType::StaticPrebuilt, r#""""#),
            (
                BuildType::Hugo,
                r#"Hugo: ["hugo", "--noBuildLock", "--destination", "public"] -> public"#,
            ),
            (
                BuildType::HugoNix,
                r#"HugoNix: ["hugo", "--noBuildLock", "--destination", "public"] -> public"#,
            ),
            (
                BuildType::AstroStatic,
                r#"Node: ["astro", "build"] -> dist"#,
            ),
            (BuildType::NextStatic, r#"Node: ["next", "build"] -> out"#),
            (
                BuildType::NuxtStatic,
                r#"Node: ["nuxt", "generate"] -> .output/public"#,
            ),
            (BuildType::NixFlake, r#".#default -> """#),
        ];
        for (kind, expected) in cases {
            assert_eq!(told(&build(kind)), expected);
        }
    }

    #[test]
    fn the_framework_fills_what_the_message_leaves_open() {
        let mut it = build(BuildType::Command);
        it.framework = CfFramework::Next;
        assert_eq!(told(&it), r#"Any: ["npx", "next", "build"] -> out"#);
        it.framework = CfFramework::Nuxt;
        it.output = Some(OutputDir::Relative(RelativePath::parse("www").unwrap()));
        assert_eq!(told(&it), r#"Any: ["npm", "run", "build"] -> www"#);
        it.framework = CfFramework::Hugo;
        let hugo = r#"Any: ["hugo", "--noBuildLock", "--destination", "www"] -> www"#;
        assert_eq!(told(&it), hugo);
        it.command = vec![Line::parse("zola").unwrap(), Line::parse("build").unwrap()];
        assert_eq!(told(&it), r#"Any: ["zola", "build"] -> www"#);
    }

    #[test]
    fn a_shell_line_is_one_only_when_the_message_says_so() {
        let mut it = build(BuildType::Command);
        it.command = vec![Line::parse("make && cp -r a dist").unwrap()];
        assert_eq!(told(&it), r#"Any: ["make && cp -r a dist"] -> dist"#);
        it.shell = true;
        let shell = r#"Any: ["/bin/sh", "-c", "make && cp -r a dist"] -> dist"#;
        assert_eq!(told(&it), shell);
    }
}
