package io.flipout.cli.comparison;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;

/** Reads the files that a run left behind; one that is damaged is named. */
public final class RunFiles {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final CSVFormat CSV =
            CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();

    private RunFiles() {}

    /**
     * Reads what a run came to, or had come to when it was last saved.
     *
     * @param runFolder the run's folder
     * @return what {@code summary.json} holds in the end; the epochs so far and {@code
     *     planned_epochs} of a run that is not finished
     * @throws IOException if the file cannot be read, or is no JSON object
     */
    public static JsonNode summary(Path runFolder) throws IOException {
        RunFolder run = new RunFolder(runFolder);
        if (!run.isInterrupted()) {
            return json(runFolder.resolve(RunFolder.SUMMARY));
        }
        return run.checkpoints()
                .newest(fault -> {})
                .flatMap(Found::summary)
                .orElseThrow(run::unfinished);
    }

    /**
     * Reads a file of JSON.
     *
     * @param file the file
     * @return the object in it
     * @throws IOException if the file cannot be read, or is no JSON object
     */
    public static JsonNode json(Path file) throws IOException {
        try {
            JsonNode root = JSON.readTree(file.toFile());
            if (root.isObject()) {
                return root;
            }
        } catch (JsonProcessingException | CharConversionException e) {
            throw damaged(file, e);
        }
        throw damaged(file, null);
    }

    /**
     * Reads a table with the names of the columns in its first row.
     *
     * @param file the file
     * @param row makes of a row what is wanted; it throws IllegalArgumentException where it cannot
     * @param <T> what is wanted
     * @return what the rows were made into
     * @throws IOException if the file cannot be read, or is no such table
     */
    public static <T> List<T> rows(Path file, Function<CSVRecord, T> row) throws IOException {
        try (var rows = CSV.parse(Files.newBufferedReader(file))) {
            return rows.stream().map(row).toList();
        } catch (IllegalArgumentException // A cell is missing, or no number.
                | UncheckedIOException
                | CSVException
                | CharacterCodingException e) {
            throw damaged(file, e);
        }
    }

    private static IOException damaged(Path file, Exception cause) {
        return new IOException(
                file + " is damaged: remove its folder and train that run again.", cause);
    }
}
