package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import io.flipout.djl.Fuzz;
import java.io.EOFException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** TorchScript files that damage or malice made. */
class HostileScriptTest {

    private static final Shape INPUT = new Shape(1, 2);

    /** Of Java's memory, what buffers and the unpacking of a small file take. */
    private static final long MEMORY = 16 << 20;

    private static final Set<Class<? extends Exception>> THROWN =
            Set.of(TorchScriptException.class);

    private static final ScriptMetadata METADATA =
            new ScriptMetadata(
                    List.of(1L, 2L),
                    List.of(.5f),
                    List.of(.25f),
                    List.of("one", "other"),
                    "flipout",
                    .5,
                    false,
                    Map.of("djl", "0"));

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void export() throws Exception {
        file = folder.resolve("tiny.pt");
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Linear.builder().setUnits(2).build();
            block.initialize(manager, DataType.FLOAT32, INPUT);
            TorchScriptExporter.builder()
                    .optCompression(Compression.DEFLATE)
                    .build()
                    .export(block, file, INPUT);
        }
    }

    @Test
    void damagedFilesAreRefused() throws Exception {
        int refused =
                Fuzz.damage(
                        file,
                        8_000,
                        MEMORY,
                        THROWN,
                        () -> {
                            TorchScriptFile script = TorchScriptFile.open(file);
                            script.metadata();
                            script.hasFixedMode();
                        });
        assertThat(refused).isPositive();
    }

    @Test
    void whatPassesIsLoadedByPyTorchOrRefused() throws Exception {
        Fuzz.damage(
                file,
                500,
                MEMORY,
                THROWN,
                () -> TorchScriptModels.open(file, Device.cpu()).close());
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void damagedFilesMakeNoGraph(Compression compression) throws Exception {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Linear.builder().setUnits(2).build();
            block.initialize(manager, DataType.FLOAT32, INPUT);
            block.getParameters().valueAt(0).getArray().muli(0);
            TorchScriptExporter.builder()
                    .optCompression(compression)
                    .optVerify(false)
                    .build()
                    .export(block, file, INPUT);
        }
        TorchScriptFile sound = TorchScriptFile.open(file);
        int refused =
                Fuzz.damage(
                        file,
                        4_000,
                        MEMORY,
                        THROWN,
                        () -> TorchScriptGraph.open(file).inputShape());
        assertThat(refused).isPositive();
        // Damage that a checksum shows hides the reader's own checks: without them.
        Fuzz.damage(file, 4_000, MEMORY, THROWN, () -> unchecked(sound));
    }

    private void unchecked(TorchScriptFile sound) throws Exception {
        try {
            TorchScriptGraph.of(file, sound).inputAxes();
        } catch (ZipException | EOFException e) {
            throw new TorchScriptException(file + " is damaged.", e);
        }
    }

    @Test
    void damagedMetadataAreRefused() throws Exception {
        Path json = folder.resolve(ScriptMetadata.NAME);
        Files.writeString(json, METADATA.toJson());
        int refused =
                Fuzz.damage(
                        json,
                        8_000,
                        MEMORY,
                        THROWN,
                        () ->
                                ScriptMetadata.fromJson(
                                        Files.readString(json, StandardCharsets.ISO_8859_1)));
        assertThat(refused).isPositive();
    }

    @Test
    void damagedMetadataAreNamedWithTheirFile() throws Exception {
        try (OutputStream out = Files.newOutputStream(file);
                ArchiveWriter archive = new ArchiveWriter(out, "tiny")) {
            for (String name : List.of("data.pkl", "constants.pkl", "version")) {
                archive.write(name, Content.of("3".getBytes(StandardCharsets.UTF_8)), false);
            }
            archive.write(
                    "extra/" + ScriptMetadata.NAME,
                    Content.of("{\"mean\": 0.5}".getBytes(StandardCharsets.UTF_8)),
                    false);
        }
        TorchScriptFile script = TorchScriptFile.open(file);
        assertThatThrownBy(script::metadata)
                .isInstanceOf(TorchScriptException.class)
                .hasMessage(file + ": The file's extra/flipout.json is damaged.");
    }
}
