package io.flipout.cli.option;

import ai.djl.Model;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.torchscript.Precision;
import io.flipout.djl.torchscript.ScriptedTrainer;
import picocli.CommandLine.Option;

/** Options that say how a network is computed while it is trained. */
public final class ForwardOptions {

    /** How the forward pass is computed. */
    private enum Forward {
        BLOCK,
        SCRIPT
    }

    /** What convolutions and linear layers compute in. */
    public enum Type {
        FLOAT32(Precision.FLOAT32),
        BF16(Precision.BFLOAT16);

        private final Precision precision;

        Type(Precision precision) {
            this.precision = precision;
        }

        /** Makes a trainer whose forward pass is a script of this precision. */
        public Trainer newTrainer(Model model, TrainingConfig config) {
            return ScriptedTrainer.builder()
                    .setModel(model)
                    .setConfig(config)
                    .optPrecision(precision)
                    .build();
        }
    }

    @Option(
            names = "--forward",
            paramLabel = "block|script",
            defaultValue = "block",
            description =
                    "How the network is computed in a training step: block, a call into PyTorch for"
                            + " every operation, or script, one call for all of them (default:"
                            + " ${DEFAULT-VALUE}). A --model of TorchScript is a script anyway.")
    private Forward forward;

    @Option(
            names = "--precision",
            paramLabel = "float32|bf16",
            defaultValue = "float32",
            description =
                    "What convolutions and linear layers compute in with --forward script; weights"
                            + " and all else stay in float32 (default: ${DEFAULT-VALUE}).")
    private Type precision;

    /** Checks the values as far as that goes without a network. */
    public void resolve() {
        if (precision != Type.FLOAT32 && forward == Forward.BLOCK) {
            throw Failure.misuse("--precision bf16 needs --forward script.");
        }
    }

    /**
     * Makes what trains a network.
     *
     * @throws Failure if the network does not take the precision
     */
    public Trainer newTrainer(Model model, TrainingConfig config) {
        if (!(model.getBlock() instanceof SymbolBlock)) {
            return forward == Forward.SCRIPT
                    ? precision.newTrainer(model, config)
                    : model.newTrainer(config);
        }
        if (precision != Type.FLOAT32) {
            throw Failure.misuse(
                    "--precision bf16 is for networks of blocks: a TorchScript --model computes in"
                            + " what its code says.");
        }
        return model.newTrainer(config);
    }
}
