package io.flipout.cli.option;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.flipout.cli.terminal.Failure;
import java.io.CharConversionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The values of a YAML file in the place of the options' defaults. Its keys are the names of the
 * options without dashes; an option on the command line wins.
 */
public final class YamlDefaults implements IDefaultValueProvider {

    private static final String CONFIG = "--config";

    /** Options that mean nothing in a file. */
    private static final Set<String> ONLY_TYPED = Set.of(CONFIG, "--help", "--version");

    /** Loaded with the first file: it takes longer to load than some commands take. */
    private static final class Yaml {

        private static final YAMLMapper MAPPER =
                YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

        private Yaml() {}
    }

    private final Map<String, String> values;

    private YamlDefaults(Map<String, String> values) {
        this.values = values;
    }

    /** Looks for {@code --config} before the arguments are parsed, as it changes the defaults. */
    public static void apply(CommandLine commandLine, String... args) throws IOException {
        CommandLine train = commandLine.getSubcommands().get("train");
        for (int i = 0; train != null && i < args.length; i++) {
            Path file = null;
            if (args[i].startsWith(CONFIG + "=")) {
                file = Path.of(args[i].substring(CONFIG.length() + 1));
            } else if (args[i].equals(CONFIG) && i + 1 < args.length) {
                file = Path.of(args[i + 1]);
            }
            if (file != null) {
                train.setDefaultValueProvider(read(file, train.getCommandSpec()));
            }
        }
    }

    /** Reads a file of values. */
    public static YamlDefaults read(Path file, CommandSpec command) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw Failure.misuse("There is no configuration file " + file + ".");
        }
        JsonNode root = tree(file);
        Map<String, String> values = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (!names(command).contains(field.getKey())) {
                throw Failure.misuse(
                        file
                                + " holds the unknown option '"
                                + field.getKey()
                                + "'; there are "
                                + String.join(", ", names(command))
                                + ".");
            }
            if (!isGiven(field.getValue())) {
                throw Failure.misuse(
                        file
                                + " must give '"
                                + field.getKey()
                                + "' a value or a list of values, or not name it.");
            }
            values.put(field.getKey(), text(field.getValue()));
        }
        return new YamlDefaults(values);
    }

    private static boolean isGiven(JsonNode value) {
        if (!value.isArray()) {
            return value.isValueNode() && !value.isNull();
        }
        for (JsonNode item : value) {
            if (!item.isValueNode() || item.isNull()) {
                return false;
            }
        }
        return !value.isEmpty();
    }

    private static String text(JsonNode value) {
        if (!value.isArray()) {
            return value.asText();
        }
        List<String> items = new ArrayList<>();
        value.forEach(item -> items.add(item.asText()));
        return String.join(",", items);
    }

    private static List<String> names(CommandSpec command) {
        return command.options().stream()
                .map(OptionSpec::longestName)
                .filter(name -> !ONLY_TYPED.contains(name))
                .map(name -> name.substring(2))
                .sorted()
                .toList();
    }

    @Override
    public String defaultValue(ArgSpec arg) {
        return arg instanceof OptionSpec option
                ? values.get(option.longestName().replaceFirst("^--", ""))
                : null;
    }

    /** Writes values that {@link #read} reads. */
    public static void write(Path file, Map<String, Object> values) throws IOException {
        Yaml.MAPPER.writeValue(file.toFile(), values);
    }

    /** Reads a file of values as it stands. */
    public static JsonNode tree(Path file) throws IOException {
        JsonNode root;
        try {
            root = Yaml.MAPPER.readTree(file.toFile());
        } catch (JsonProcessingException e) {
            JsonLocation location = e.getLocation();
            throw Failure.misuse(
                    file
                            + " is not YAML"
                            + (location == null ? "" : " in line " + location.getLineNr())
                            + ": "
                            + e.getOriginalMessage().lines().findFirst().orElse(""));
        } catch (CharConversionException e) {
            throw Failure.misuse(file + " is no text.");
        }
        if (!root.isObject()) {
            throw Failure.misuse(file + " must hold lines of 'option: value'.");
        }
        return root;
    }
}
