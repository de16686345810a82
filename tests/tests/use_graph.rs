//! Neither the source files of a crate nor its top-level modules may import each other in a circle.
//!
//! The graph has an edge from file A to file B when a path in A, in a `use` item or inline, leads to an
//! item of B. Paths are followed as they are written: `crate::state::Answer` leads to `state/mod.rs`, even
//! if that file re-exports `Answer` from another. Edges from a file to one of its ancestors don't count,
//! since a parent module and its children are one unit. Test modules don't count either.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree};

/// A module path inside a crate; empty for the crate root.
type ModulePath = Vec<String>;

/// A module: its file, what it imports, and the paths its code contains.
#[derive(Default)]
struct Module {
    file: PathBuf,
    /// Imported names and the paths they stand for.
    imports: BTreeMap<String, Vec<String>>,
    /// Every path of a `use` item or inline path of at least two segments.
    paths: BTreeSet<Vec<String>>,
}

/// All modules of a crate, without its tests.
#[derive(Default)]
struct ModuleTree {
    modules: BTreeMap<ModulePath, Module>,
}

/// Which files, or top-level modules, of a crate use which.
type Graph = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

impl ModuleTree {
    /// Parses the crate with this root file.
    fn parse(root: &Path) -> Self {
        let mut tree = Self::default();
        let dir = root.parent().unwrap();
        tree.add_file(Vec::new(), root, dir);
        tree
    }

    /// Adds a module that fills a file; its children's files are in `dir`.
    fn add_file(&mut self, module: ModulePath, file: &Path, dir: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.add_items(module, file, dir, parsed.items);
    }

    fn add_items(&mut self, module: ModulePath, file: &Path, dir: &Path, items: Vec<Item>) {
        let mut found = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        for item in items {
            match item {
                Item::Mod(item) if is_test(&item.attrs) => {}
                Item::Mod(item) => {
                    let name = item.ident.to_string();
                    let child_dir = dir.join(&name);
                    let child = [module.as_slice(), std::slice::from_ref(&name)].concat();
                    match item.content {
                        Some((_, items)) => self.add_items(child, file, &child_dir, items),
                        None => {
                            let beside = dir.join(format!("{name}.rs"));
                            let child_file = if beside.is_file() {
                                beside
                            } else {
                                child_dir.join("mod.rs")
                            };
                            self.add_file(child, &child_file, &child_dir);
                        }
                    }
                }
                Item::Use(item) if is_test(&item.attrs) => {}
                Item::Use(item) => add_use(&item.tree, &mut Vec::new(), &mut found),
                item => {
                    let tokens = item.to_token_stream();
                    if !starts_with_test_attribute(&tokens) {
                        add_inline_paths(tokens, &mut found.paths);
                    }
                }
            }
        }
        self.modules.insert(module, found);
    }

    /// The module that a path written in `module` leads to; `None` for paths to other crates and to
    /// local items.
    fn resolve(&self, module: &[String], path: &[String]) -> Option<ModulePath> {
        let (first, rest) = path.split_first()?;
        let absolute = match first.as_str() {
            "crate" => rest.to_vec(),
            "self" => [module, rest].concat(),
            "super" => {
                let (_, parent) = module.split_last()?;
                if rest.first().is_some_and(|next| next == "super") {
                    return self.resolve(parent, rest);
                }
                [parent, rest].concat()
            }
            name => {
                let child = [module, &[name.to_owned()]].concat();
                if self.modules.contains_key(&child) {
                    [child.as_slice(), rest].concat()
                } else {
                    let import = self.modules.get(module)?.imports.get(name)?;
                    if import == path || import.first() == Some(first) {
                        return None;
                    }
                    return self.resolve(module, &[import.as_slice(), rest].concat());
                }
            }
        };
        (0..=absolute.len())
            .rev()
            .map(|length| absolute[..length].to_vec())
            .find(|prefix| self.modules.contains_key(prefix))
    }

    fn file_graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (path, module) in &self.modules {
            let uses = graph.entry(module.file.clone()).or_default();
            for written in &module.paths {
                let Some(target) = self.resolve(path, written) else {
                    continue;
                };
                let file = &self.modules[&target].file;
                if !path.starts_with(&target) && *file != module.file {
                    uses.insert(file.clone());
                }
            }
        }
        graph
    }

    /// The graph of the modules that the crate root declares; the root itself is left out.
    fn top_level_graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (path, module) in &self.modules {
            let Some(top) = path.first() else { continue };
            let uses = graph.entry(PathBuf::from(top)).or_default();
            let targets = module
                .paths
                .iter()
                .filter_map(|used| self.resolve(path, used));
            let others = targets.filter_map(|target| target.into_iter().next());
            uses.extend(others.filter(|other| other != top).map(PathBuf::from));
        }
        graph
    }
}

/// Whether an item is compiled for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| starts_with_test_attribute(&attribute.to_token_stream()))
}

/// Whether the attributes at the start of an item include `#[cfg(test)]`, or `#[cfg(all(test, …))]`.
fn starts_with_test_attribute(item: &TokenStream) -> bool {
    let mut tokens = item.clone().into_iter();
    while let (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(attribute))) =
        (tokens.next(), tokens.next())
    {
        let text = attribute.stream().to_string().replace(' ', "");
        if hash.as_char() == '#' && (text == "cfg(test)" || text.starts_with("cfg(all(test,")) {
            return true;
        }
    }
    false
}

/// Adds the paths and names of a `use` item.
fn add_use(tree: &UseTree, prefix: &mut Vec<String>, module: &mut Module) {
    let mut add = |name: String, path: Vec<String>| {
        module.imports.insert(name, path.clone());
        module.paths.insert(path);
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            add_use(&path.tree, prefix, module);
            prefix.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                add_use(tree, prefix, module);
            }
        }
        UseTree::Name(name) if name.ident == "self" => {
            add(prefix.last().cloned().unwrap_or_default(), prefix.clone());
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            add(name.clone(), [prefix.as_slice(), &[name]].concat());
        }
        UseTree::Rename(rename) => {
            let mut path = prefix.clone();
            if rename.ident != "self" {
                path.push(rename.ident.to_string());
            }
            add(rename.rename.to_string(), path);
        }
        UseTree::Glob(_) => {
            module.paths.insert(prefix.clone());
        }
    }
}

/// Adds every `a::b…` among the tokens, those of macro calls included.
fn add_inline_paths(tokens: TokenStream, paths: &mut BTreeSet<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
            TokenTree::Ident(ident) if colons == 2 => {
                path.push(ident.to_string());
                colons = 0;
            }
            token => {
                end_path(&mut path, paths);
                colons = 0;
                match token {
                    TokenTree::Ident(ident) => path.push(ident.to_string()),
                    TokenTree::Group(group) => add_inline_paths(group.stream(), paths),
                    _ => {}
                }
            }
        }
    }
    end_path(&mut path, paths);
}

fn end_path(path: &mut Vec<String>, paths: &mut BTreeSet<Vec<String>>) {
    let path = std::mem::take(path);
    if path.len() > 1 {
        paths.insert(path);
    }
}

/// Files that use each other in a circle, each set with every other file of its circle.
fn circles(graph: &Graph) -> Vec<BTreeSet<PathBuf>> {
    let reachable = |from: &PathBuf| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for next in graph.get(file).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&PathBuf, BTreeSet<PathBuf>> =
        graph.keys().map(|file| (file, reachable(file))).collect();
    let circles: BTreeSet<BTreeSet<PathBuf>> = reached
        .iter()
        .filter(|(file, ahead)| ahead.contains(**file))
        .map(|(file, ahead)| {
            let back = |other: &&PathBuf| reached.get(other).is_some_and(|r| r.contains(*file));
            ahead.iter().filter(back).cloned().collect()
        })
        .collect();
    circles.into_iter().collect()
}

/// One line for each circle and each edge in it, first of files, then of top-level modules; empty
/// without circles.
fn report(root: &Path) -> String {
    let tree = ModuleTree::parse(root);
    let dir = root.parent().unwrap();
    let name = |file: &Path| file.strip_prefix(dir).unwrap_or(file).display().to_string();
    let mut report = String::new();
    for (graph, what) in [
        (tree.file_graph(), "files"),
        (tree.top_level_graph(), "top-level modules"),
    ] {
        for circle in circles(&graph) {
            writeln!(report, "{} {what} in a circle:", circle.len()).unwrap();
            for file in &circle {
                for used in graph[file].intersection(&circle) {
                    writeln!(report, "  {} -> {}", name(file), name(used)).unwrap();
                }
            }
        }
    }
    report
}

/// The root files of all crates in a folder of the repository.
fn crate_roots(folder: &str, roots: &mut Vec<PathBuf>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let inside = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let dirs = inside
        .map(|entry| entry.path())
        .filter(|path| path.is_dir());
    for dir in std::iter::once(folder.clone()).chain(dirs) {
        if dir.join("Cargo.toml").is_file() {
            let files = ["lib.rs", "main.rs"].map(|name| dir.join("src").join(name));
            roots.extend(files.into_iter().find(|file| file.is_file()));
        }
    }
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let mut roots = Vec::new();
    crate_roots("core", &mut roots);
    crate_roots("gui", &mut roots);
    assert!(roots.len() >= 2, "{roots:?}");
    let mut reports = String::new();
    for root in &roots {
        let report = report(root);
        if !report.is_empty() {
            writeln!(reports, "{}:\n{report}", root.display()).unwrap();
        }
    }
    assert!(reports.is_empty(), "\n{reports}");
}

/// Writes a crate of these files and reports its circles.
fn report_on(files: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        nearsay_tests::write_file(&file, text);
    }
    report(&dir.path().join("lib.rs"))
}

#[test]
fn report_names_each_edge_of_a_circle() {
    let report = report_on(&[
        ("lib.rs", "mod a; mod b; mod c; mod leaf;"),
        ("a.rs", "use crate::{b::B, leaf};"),
        ("b/mod.rs", "mod deep; pub use deep::B;"),
        ("b/deep.rs", "fn f() { println!(\"{}\", crate::c::g()); }"),
        ("c.rs", "use super::a as other; fn g() { other::h() }"),
        ("leaf.rs", ""),
    ]);
    let expected = "4 files in a circle:\n  \
                    a.rs -> b/mod.rs\n  \
                    b/deep.rs -> c.rs\n  \
                    b/mod.rs -> b/deep.rs\n  \
                    c.rs -> a.rs\n\
                    3 top-level modules in a circle:\n  \
                    a -> b\n  \
                    b -> c\n  \
                    c -> a\n";
    assert_eq!(report, expected);
}

#[test]
fn report_follows_paths_that_start_with_an_import() {
    let report = report_on(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b; fn f() { b::inner::g() }"),
        ("b/mod.rs", "pub mod inner;"),
        ("b/inner.rs", "use crate::a::f;"),
    ]);
    assert!(report.contains("a.rs -> b/inner.rs"), "{report}");
}

#[test]
fn report_finds_circles_of_modules_whose_files_have_none() {
    let report = report_on(&[
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod one; mod two;"),
        ("a/one.rs", "use crate::b;"),
        ("a/two.rs", ""),
        ("b.rs", "use crate::a::two;"),
    ]);
    let expected = "2 top-level modules in a circle:\n  a -> b\n  b -> a\n";
    assert_eq!(report, expected);
}

#[test]
fn report_ignores_ancestors_and_tests() {
    let report = report_on(&[
        ("lib.rs", "mod a; mod b; pub struct Root;"),
        (
            "a.rs",
            "mod inner; use inner::X; pub struct A; use crate::b::B;",
        ),
        ("a/inner.rs", "use super::A; use crate::Root; pub struct X;"),
        (
            "b.rs",
            "pub struct B; #[cfg(test)] mod tests { use crate::a::A; } \
             #[cfg(test)] use crate::a::A; #[cfg(test)] fn f() { crate::a::g() }",
        ),
    ]);
    assert_eq!(report, "");
}
