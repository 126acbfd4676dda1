package io.flipout.cli.option;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import io.flipout.cli.terminal.Failure;
import java.io.CharConversionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
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

    /** Names the values of a file that its other options decided. */
    public static final String OPEN = "by-default";

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
    private final Set<String> open;

    private YamlDefaults(Map<String, String> values, Set<String> open) {
        this.values = values;
        this.open = open;
    }

    /** Whether the file gives an option a value that it had been given before. */
    boolean gives(OptionSpec option) {
        String name = Configuration.name(option);
        return values.containsKey(name) && !open.contains(name);
    }

    /** Leaves open what was: it follows from options that may be others now. */
    private YamlDefaults reopened() {
        Map<String, String> given = new LinkedHashMap<>(values);
        given.keySet().removeAll(open);
        return new YamlDefaults(given, Set.of());
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
                YamlDefaults read = read(file, train.getCommandSpec());
                train.setDefaultValueProvider(
                        changes(train.getCommandSpec(), args) ? read.reopened() : read);
            }
        }
    }

    /** Whether arguments make another run of that in a file. */
    private static boolean changes(CommandSpec command, String... args) {
        return Arrays.stream(args)
                .map(word -> word.replaceFirst("=.*", "").replaceFirst("^--no-", "--"))
                .map(command::findOption)
                .anyMatch(option -> option != null && Configuration.isPart(option));
    }

    /** Reads a file of values. */
    public static YamlDefaults read(Path file, CommandSpec command) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw Failure.misuse("There is no configuration file " + file + ".");
        }
        JsonNode root = tree(file);
        Map<String, String> values = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (field.getKey().equals(OPEN)) {
                continue;
            }
            if (!names(command).contains(field.getKey())) {
                throw Failure.misuse(
                        file
                                + " holds the unknown option '"
                                + field.getKey()
                                + "'; there are "
                                + String.join(", ", names(command))
                                + ".");
            }
            Class<?> type = command.findOption("--" + field.getKey()).auxiliaryTypes()[0];
            if (!isGiven(field.getValue()) || (!isText(type) && isNull(field.getValue()))) {
                throw Failure.misuse(
                        file
                                + " must give '"
                                + field.getKey()
                                + "' a value or a list of values, or not name it.");
            }
            values.put(field.getKey(), text(field.getValue(), type));
        }
        return new YamlDefaults(values, open(file, root.get(OPEN)));
    }

    /** Reads which of the values were left open. */
    private static Set<String> open(Path file, JsonNode names) {
        Set<String> open = new HashSet<>();
        if (names != null) {
            if (!names.isArray() || !isGiven(names)) {
                throw Failure.misuse(file + " must give '" + OPEN + "' a list of options.");
            }
            names.forEach(name -> open.add(name.asText()));
        }
        return open;
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

    /** Whether a value is the word that YAML has for none. */
    private static boolean isNull(JsonNode value) {
        return value.asText().equalsIgnoreCase("null");
    }

    private static String text(JsonNode value, Class<?> type) {
        List<String> items = new ArrayList<>();
        for (JsonNode item : value.isArray() ? value : List.of(value)) {
            items.add(isNumber(type) ? number(item.asText()) : item.asText());
        }
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
        return arg instanceof OptionSpec option ? values.get(Configuration.name(option)) : null;
    }

    /** Writes values that {@link #read} reads. */
    public static void write(Path file, Map<String, Object> values) throws IOException {
        Yaml.MAPPER.writeValue(file.toFile(), values);
    }

    /** Reads a file of values, which are texts, as they stand there. */
    public static JsonNode tree(Path file) throws IOException {
        JsonNode root;
        try {
            root = document(file);
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

    private static JsonNode document(Path file) throws IOException {
        try (YAMLParser parser = Yaml.MAPPER.getFactory().createParser(file.toFile())) {
            parser.nextToken();
            JsonNode root = node(parser, file);
            if (parser.nextToken() != null) {
                throw Failure.misuse(
                        file
                                + " holds a second document in line "
                                + parser.currentTokenLocation().getLineNr()
                                + ": leave one of them, without a line of ---.");
            }
            return root;
        }
    }

    /** YAML takes 2024_01, 1e3 and null for other things than the names that they may be. */
    private static JsonNode node(YAMLParser parser, Path file) throws IOException {
        JsonToken token = parser.currentToken();
        if (token == null) {
            return MissingNode.getInstance();
        }
        switch (token) {
            case START_OBJECT -> {
                ObjectNode object = Yaml.MAPPER.createObjectNode();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String name = parser.currentName();
                    parser.nextToken();
                    object.set(name, node(parser, file));
                }
                return object;
            }
            case START_ARRAY -> {
                ArrayNode array = Yaml.MAPPER.createArrayNode();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    array.add(node(parser, file));
                }
                return array;
            }
            default -> {
                String text = parser.getText();
                if (parser.isCurrentAlias()) {
                    throw Failure.misuse(
                            file + " names a value *" + text + ": write the value itself.");
                }
                boolean isNothing =
                        token == JsonToken.VALUE_NULL && List.of("", "~").contains(text);
                return isNothing ? NullNode.getInstance() : TextNode.valueOf(text);
            }
        }
    }

    /** Makes a number that Java reads of one that YAML reads, such as 1_000. */
    private static String number(String text) {
        try {
            JsonNode value = Yaml.MAPPER.readTree(text);
            return value.isNumber() ? value.asText() : text;
        } catch (JsonProcessingException e) {
            return text; // It will be refused.
        }
    }

    private static boolean isNumber(Class<?> type) {
        return Number.class.isAssignableFrom(type)
                || (type.isPrimitive() && type != boolean.class && type != char.class);
    }

    private static boolean isText(Class<?> type) {
        return type == String.class || type == Path.class;
    }
}
