package io.flipout.inference.engine;

import ai.djl.BaseModel;
import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptException;
import io.flipout.inference.Network;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A network of a TorchScript file of this project. */
final class FlipOutModel extends BaseModel {

    private static final String ENDING = ".pt";
    private static final String THREADS = "threads";

    FlipOutModel(String name, NDManager manager) {
        super(name);
        this.manager = manager;
        dataType = DataType.FLOAT32;
        manager.setName("model " + name);
    }

    /**
     * Loads a file.
     *
     * @param modelPath the file, or the folder that holds it
     * @param prefix the file's name, with its ending or without; null for the model's
     * @param options {@code threads}, that share the work of a prediction (1); null for none
     * @throws FileNotFoundException if there is no such file
     * @throws MalformedModelException if the file is damaged, or does what this engine does not
     */
    @Override
    public void load(Path modelPath, String prefix, Map<String, ?> options)
            throws IOException, MalformedModelException {
        Path file = Files.isRegularFile(modelPath) ? modelPath : find(modelPath, prefix);
        setModelDir(file.toAbsolutePath().getParent());
        read(file, options);
    }

    @Override
    public void load(InputStream in, Map<String, ?> options)
            throws IOException, MalformedModelException {
        Path file = Files.createTempFile("flipout", ENDING);
        try {
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
            read(file, options);
        } finally {
            Files.delete(file);
        }
    }

    private void read(Path file, Map<String, ?> options)
            throws IOException, MalformedModelException {
        if (block != null) {
            throw refused("a block cannot be given parameters");
        }
        try {
            Network network = Network.load(file, threads(options));
            block = new FlipOutBlock(network);
            network.metadata().ifPresent(m -> setProperty(ScriptMetadata.NAME, m.toJson()));
            wasLoaded = true;
        } catch (TorchScriptException e) {
            throw new MalformedModelException(e.getMessage(), e);
        }
    }

    private static int threads(Map<String, ?> options) {
        Object threads = options == null ? null : options.get(THREADS);
        try {
            int number = threads == null ? 1 : Integer.parseInt(threads.toString());
            if (number > 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IllegalArgumentException(
                "The option threads must be a number, at least 1, got " + threads + ".");
    }

    private Path find(Path folder, String prefix) throws IOException {
        String name = prefix == null ? getName() : prefix;
        for (Path file : List.of(folder.resolve(name), folder.resolve(name + ENDING))) {
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        if (Files.isDirectory(folder) && prefix == null) {
            try (Stream<Path> files = Files.list(folder)) {
                List<Path> scripts = files.filter(f -> f.toString().endsWith(ENDING)).toList();
                if (scripts.size() == 1) {
                    return scripts.get(0);
                }
            }
        }
        throw new FileNotFoundException(
                "There is no TorchScript file " + folder.resolve(name + ENDING) + ".");
    }

    @Override
    public void setBlock(Block ignored) {
        throw refused("it takes no blocks");
    }

    @Override
    public Trainer newTrainer(TrainingConfig config) {
        throw refused("it does not train");
    }

    private static UnsupportedOperationException refused(String what) {
        return new UnsupportedOperationException(
                "The FlipOut engine computes what TorchScript files say; "
                        + what
                        + ": use the PyTorch engine.");
    }

    @Override
    public void close() {
        if (block instanceof FlipOutBlock open) {
            open.close();
        }
        super.close();
    }
}
