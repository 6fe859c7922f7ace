#include "neoc.h"

static const struct command *const commands[] = {
    &command_compile, &command_run,     &command_inspect, &command_verify,
    &command_bench,   &command_targets, &command_unpack,  NULL,
};

static const struct tool_example examples[] = {
    {"neoc run model.json rows.csv --keep id", "predict, without compiling anything to a file"},
    {"neoc compile model.json", "into model-host.tar.gz, verified"},
    {"neoc compile --prep prep.json --target aarch64,rasp3b model.txt", "with its preparation"},
    {"neoc inspect model.json", "what the model is made of"},
    {NULL, NULL},
};

static const struct tool neoc = {
    .name = "neoc",
    .summary = "compile trained models, and run them",
    .description =
        "Reads a trained model (XGBoost, LightGBM, scikit-learn, ONNX-ML) and compiles it, with "
        "the preparation fitted by wrangle in front of it, into one small native artefact without "
        "dependencies. What it predicts is what the model's own framework predicts, to the last "
        "bit of the margins, and that is verified before an artefact is written.",
    .commands = commands,
    .examples = examples,
    .abandon = replace_abort_all,
};

int main(int argc, char **argv)
{
    return tool_main(&neoc, argc, argv);
}
