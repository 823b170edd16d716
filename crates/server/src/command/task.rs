use clap::Subcommand;

use crate::cli::{CliError, CommonArgs};

mod create;
mod delete;
mod differences;
mod edit;
mod fields;
mod list;
mod lookup;
mod mocks;
mod new;
mod once;
mod run;
mod runtimes;
mod show;
mod state;
mod sync;
mod test;
mod validate;

use create::CreateArgs;
use delete::DeleteArgs;
use edit::EditArgs;
use list::ListArgs;
use new::NewArgs;
use run::RunArgs;
use show::ShowArgs;
use state::StateArgs;
use sync::SyncArgs;
use test::TestArgs;
use validate::ValidateArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List the tasks that the folders and the database have, or a server, and what keeps others out
    #[command(
        after_help = "Examples:\n  ratchet task list\n  ratchet task list --json | jq -r '.tasks[].name'\n\n\
                      Of a server that is named by --server or RATCHET_SERVER, it lists the tasks that are stored there; what \
                      keeps others out of it, `ratchet task sync` says."
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
    /// Keep a program in JavaScript as a task in the database
    #[command(after_help = "Examples:\n  \
                            ratchet task create sum.js --name sum --version 1.0.0 --input-schema @sum.schema.json\n  \
                            echo '(input) => input.a + input.b' | ratchet task create - --name sum --version 1.0.0\n\n\
                            Tasks in folders need no such command: a server takes them in by itself.")]
    Create(CreateArgs),
    /// Change a task that is kept in the database: what is given of it, unless somebody else does so at the moment
    #[command(after_help = "Examples:\n  \
                            ratchet task edit sum sum.js\n  \
                            ratchet task edit sum@1.0.0 sum.js --version 1.0.1 --unset description\n\n\
                            Its jobs that wait run the new program. A task in a folder is changed there.")]
    Edit(EditArgs),
    /// Delete a task that is kept in the database or gone from its folder, and its jobs, which have all ended
    #[command(
        visible_alias = "rm",
        after_help = "Examples:\n  ratchet task delete sum@1.0.0\n  ratchet task delete sum@1.0.0 --yes"
    )]
    Delete(DeleteArgs),
    /// Let the jobs of a task run again
    #[command(after_help = "Examples:\n  ratchet task enable hello\n  ratchet task enable hello@1.0.0")]
    Enable(StateArgs),
    /// Let no further job of a task run: those that are queued fail when their turn comes
    #[command(after_help = "Examples:\n  ratchet task disable hello\n  ratchet task disable hello@1.0.0")]
    Disable(StateArgs),
    /// Read the folders of tasks now, and say what changed and what is not in order
    #[command(after_help = "Examples:\n  ratchet task sync\n  ratchet task sync -o json | jq '.issues'")]
    Sync(SyncArgs),
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
            Self::Create(arguments) => arguments.run(common),
            Self::Edit(arguments) => arguments.run(common),
            Self::Delete(arguments) => arguments.run(common),
            Self::Enable(arguments) => arguments.run(common, true),
            Self::Disable(arguments) => arguments.run(common, false),
            Self::Sync(arguments) => arguments.run(common),
        }
    }

    /// Whether it speaks to the API.
    pub(crate) const fn asks_a_server(&self) -> bool {
        matches!(
            self,
            Self::List(_)
                | Self::Show(_)
                | Self::Create(_)
                | Self::Edit(_)
                | Self::Delete(_)
                | Self::Enable(_)
                | Self::Disable(_)
                | Self::Sync(_)
        )
    }
}
