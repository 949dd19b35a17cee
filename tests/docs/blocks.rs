//! Every command and statement that a page shows, run in its order on a new pair of databases.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::page::{self, Block, Page};
use super::support::{Pair, Role};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgsync");

/// What the pages call the two databases.
const SOURCE: &str = "postgres://app@prod/shop";
const TARGET: &str = "postgres://app@localhost/shop";
const TARGET_WORDS: &str = "host=localhost user=app dbname=shop";

/// Some rows for the tables of the demo.
const ROWS: &str = "
    insert into category (name) values ('books'), ('music');
    insert into customer (id, email, name, updated_at) select md5(i::text)::uuid, i || '@example.com', 'n', '2024-05-01 10:00Z'
        from generate_series(1, 30) i;
    insert into audit_log (happened, what) select '2024-05-01 10:00Z', 'w' from generate_series(1, 60) i";

#[tokio::test]
async fn every_command_and_statement_of_the_documents_runs() {
    for page in page::all() {
        let blocks = page.blocks();
        if blocks.iter().any(Block::is_run) {
            let mut shop = Shop::open().await;
            for block in &blocks {
                shop.follow(block).await;
            }
        }
    }
}

#[test]
fn every_block_is_run_or_says_why_not() {
    for block in page::all().iter().flat_map(Page::blocks) {
        let shown = ["text", "json"].contains(&block.language.as_str());
        assert!(
            shown || block.is_run() || block.why_not().is_some(),
            "{}: a block of \"{}\" that is neither run nor marked <!-- not run: why -->",
            block.place,
            block.language
        );
    }
}

impl Block {
    fn is_run(&self) -> bool {
        let languages = ["sh", "crontab", "sql source", "sql target"];
        self.why_not().is_none() && languages.contains(&self.language.as_str())
    }

    fn why_not(&self) -> Option<&str> {
        self.mark.as_deref()?.strip_prefix("not run: ").filter(|why| why.len() > 5)
    }
}

/// A pair of databases as the pages take it for granted, and a folder to work in.
struct Shop {
    db: Pair,
    owner: Role,
    folder: PathBuf,
    /// What the last command printed.
    stdout: String,
}

impl Shop {
    async fn open() -> Self {
        let db = Pair::fresh().await;
        db.source(include_str!("../../scripts/demo/schema.sql")).await;
        db.source(ROWS).await;
        let owner = db.target_owner().await;
        // There is a log, as after some runs.
        db.sync().target_role(&owner).include("category").await.expect_ok();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&db.name);
        fs::create_dir_all(&folder).expect("the target folder can be written");
        let shop = Self { db, owner, folder, stdout: String::new() };
        let config = format!(r#"{{"sourceDb": "{SOURCE}", "targetDb": "{TARGET}"}}"#);
        shop.write("pgsync.json", &config);
        shop
    }

    async fn follow(&mut self, block: &Block) {
        let mark = block.mark.as_deref().unwrap_or_default();
        // There it ends the line.
        let bare = block.text.replace("\\%", "").contains('%');
        assert!(block.language != "crontab" || !bare, "a bare % at {}", block.place);
        if block.why_not().is_some() {
            return;
        }
        if let Some(name) = mark.strip_prefix("file: ") {
            self.write(name, &block.text);
        }
        match block.language.as_str() {
            "sql source" => self.db.source(&block.text).await,
            "sql target" => self.db.target(&block.text).await,
            "sh" => self.run(block, &block.text),
            "crontab" => {
                let command = block.text.splitn(6, ' ').last().expect("five fields and a command");
                let command = command.replace("/etc/pgsync.json", "pgsync.json");
                self.run(block, &command.replace("/usr/local/bin/", ""));
            }
            _ if mark == "output" => {
                assert_eq!(shape(&self.stdout), shape(&block.text), "output at {}", block.place);
            }
            _ => {}
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), self.here(text)).expect("the folder can be written");
    }

    /// The text with this pair's databases.
    fn here(&self, text: &str) -> String {
        let owner = &self.owner;
        let (host, port) = self.db.target_server().address().rsplit_once(':').expect("host:port");
        let words = format!("host={host} port={port} user={} dbname={}", owner.name, self.db.name);
        text.replace(SOURCE, &self.db.source_url())
            .replace(TARGET, &owner.url)
            .replace(TARGET_WORDS, &words)
    }

    fn run(&mut self, block: &Block, script: &str) {
        let mut bash = Command::new("bash");
        let own = std::env::vars_os().map(|(name, _)| name);
        own.filter(|name| name.to_string_lossy().starts_with("PG")).for_each(|name| {
            bash.env_remove(name);
        });
        let built = Path::new(PROGRAM).parent().expect("a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        bash.args(["-euo", "pipefail", "-c", &self.here(script)])
            .current_dir(&self.folder)
            .env("PATH", format!("{built}:{path}"))
            .env("HOME", &self.folder)
            .env("SOURCE_URL", self.db.source_url())
            .env("GITHUB_STEP_SUMMARY", self.folder.join("summary.md"))
            .env("MASK_KEY", "0123456789abcdef0123456789abcdef")
            .env("TARGET_URL", &self.owner.url);
        let output = bash.output().expect("there is a bash");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{}\n{script}\n{stdout}{stderr}", block.place);
        self.stdout = stdout;
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The words of each line, with one sign for whatever has a digit.
fn shape(text: &str) -> Vec<String> {
    let word = |word: &str| match word.contains(|c: char| c.is_ascii_digit()) {
        true => "#".to_owned(),
        false => word.to_owned(),
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    // The program is about to say it in these words.
    let text = text.replace("made on the", "created on the");
    text.trim().lines().map(line).collect()
}
