use clap::Subcommand;

use crate::cli::{CliError, CommonArgs};

mod differences;
mod list;
mod lookup;
mod mocks;
mod new;
mod once;
mod run;
mod runtimes;
mod show;
mod test;
mod validate;

use list::ListArgs;
use new::NewArgs;
use run::RunArgs;
use show::ShowArgs;
use test::TestArgs;
use validate::ValidateArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List the tasks that the folders and the database have, and what keeps others out
    #[command(
        after_help = "Examples:\n  ratchet task list\n  ratchet task list --json | jq -r '.tasks[].name'"
    )]
    List(ListArgs),
    /// Show everything that is known of a task
    #[command(
        after_help = "Examples:\n  ratchet task show hello\n  ratchet task show hello@1.0.0 --json\n\n\
                            Without a version, the latest is shown."
    )]
    Show(ShowArgs),
    /// Say everything that is wrong with the tasks in a folder; runs nothing and needs no database
    #[command(
        after_help = "Examples:\n  ratchet task validate tasks/hello\n  ratchet task validate tasks\n\n\
                            The exit code is 0 when nothing is wrong, and 1 when something is."
    )]
    Validate(ValidateArgs),
    /// Run the tests of the tasks in a folder; no request reaches the network
    #[command(
        after_help = "Examples:\n  ratchet task test tasks/hello\n  ratchet task test tasks --filter greet\n\n\
                            A test is a file such as tasks/hello/tests/greets.json:\n  \
                            {\"name\": \"greets by name\", \"input\": {\"name\": \"Ada\"}, \
                            \"expected\": {\"greeting\": \"Hello, Ada!\"}}\n\n\
                            What a task fetches is answered from the test's mocks:\n  \
                            \"mocks\": [{\"url\": \"https://api.example.com/*\", \"json\": {\"items\": []}}]\n\n\
                            The exit code is 0 when all pass, and 1 when one fails."
    )]
    Test(TestArgs),
    /// Run a task once, here and now, without a database
    #[command(
        after_help = "Examples:\n  ratchet task run tasks/hello --input '{\"name\": \"Ada\"}'\n  \
                            ratchet task run hello@1.0.0 --input @input.json\n  \
                            echo '{\"name\": \"Ada\"}' | ratchet task run hello --input @-\n\n\
                            The output goes to standard output, the log to standard error. Ctrl-C stops it."
    )]
    Run(RunArgs),
    /// Make a task to start from, complete with schemas and tests
    #[command(
        after_help = "Examples:\n  ratchet task new hello\n  ratchet task new health --runtime http --in ops\n\n\
                            Then: ratchet task test tasks/hello"
    )]
    New(NewArgs),
}

impl TaskCommand {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        match self {
            Self::List(arguments) => arguments.run(common),
            Self::Show(arguments) => arguments.run(common),
            Self::Validate(arguments) => arguments.run(common),
            Self::Test(arguments) => arguments.run(common),
            Self::Run(arguments) => arguments.run(common),
            Self::New(arguments) => arguments.run(common),
        }
    }
}
