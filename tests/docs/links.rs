//! No link is dead, and README leads to every page.

use super::page::{self, Page};

#[test]
fn no_link_is_dead() {
    let mut dead = Vec::new();
    for page in page::all() {
        for link in page.links() {
            let is_elsewhere =
                ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme));
            if !is_elsewhere && !leads_somewhere(&page, &link) {
                dead.push(format!("{}: {link}", page.path));
            }
        }
    }
    assert_eq!(dead, [""; 0]);
}

fn leads_somewhere(page: &Page, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(f, a)| (f, Some(a)));
    let target = match file {
        "" => page::root().join(&page.path),
        _ => page.folder().join(file),
    };
    let Some(anchor) = anchor else { return target.exists() };
    let Ok(text) = std::fs::read_to_string(&target) else { return false };
    Page { path: file.to_owned(), text }.anchors().iter().any(|known| known == anchor)
}

#[test]
fn readme_leads_to_every_page() {
    let links = Page::read("README.md").links();
    for page in page::all().iter().filter(|page| page.path != "README.md") {
        assert!(links.contains(&page.path), "README has no link to {}", page.path);
    }
}

#[test]
fn readme_is_short() {
    let readme = Page::read("README.md").text;
    let (lines, words) = (readme.lines().count(), readme.split_whitespace().count());
    assert!(lines <= 200 && words <= 1500, "{lines} lines, {words} words");
}

#[test]
fn every_file_that_a_page_names_exists() {
    let folders = ["src/", "tests/", "scripts/", "./scripts/", "docs/"];
    for page in page::all() {
        for code in page.code().iter().filter(|code| folders.iter().any(|f| code.starts_with(f))) {
            let path = code.split(' ').next().unwrap_or_default();
            assert!(page::root().join(path).exists(), "{}: `{code}`", page.path);
        }
    }
}
