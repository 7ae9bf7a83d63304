//! Circles between files: strongly connected components of the references between them.

use std::collections::BTreeSet;

use crate::modules::Crate;
use crate::references::between_files;

/// Each circle, with its files and the references within it.
pub(crate) fn find(krate: &Crate) -> Vec<String> {
    let references = between_files(krate);
    let reachable: Vec<BTreeSet<usize>> =
        (0..krate.files().len()).map(|file| reachable_from(file, &references)).collect();
    let reaches = |from: usize, to: usize| reachable.get(from).is_some_and(|files| files.contains(&to));
    let mut circles = BTreeSet::new();
    for file in 0..krate.files().len() {
        let members: Vec<_> =
            (0..krate.files().len()).filter(|&other| reaches(file, other) && reaches(other, file)).collect();
        if members.len() > 1 {
            circles.insert(members);
        }
    }
    circles.iter().map(|members| describe(krate, members, &references)).collect()
}

fn reachable_from(file: usize, references: &BTreeSet<(usize, usize)>) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![file];
    while let Some(file) = pending.pop() {
        for &(_, to) in references.range((file, 0)..=(file, usize::MAX)) {
            if reached.insert(to) {
                pending.push(to);
            }
        }
    }
    reached
}

fn describe(krate: &Crate, members: &[usize], references: &BTreeSet<(usize, usize)>) -> String {
    let name = |file: &usize| krate.files().get(*file).unwrap().display().to_string();
    let within = references.iter().filter(|(from, to)| members.contains(from) && members.contains(to));
    let arrows: Vec<_> =
        within.map(|(from, to)| format!("\n        {} -> {}", name(from), name(to))).collect();
    format!("{} files:{}", members.len(), arrows.concat())
}
