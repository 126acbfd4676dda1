package io.flipout.mask;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Convolution;
import ai.djl.nn.convolutional.Deconvolution;
import ai.djl.util.Pair;
import io.flipout.mask.ModuleBlock.Submodule;
import io.flipout.mask.ParameterRole.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.LongStream;

/** Finds out what a parameter is, by the evidence that {@link WeightSelector} lists. */
final class ParameterRoles {

    private static final String BEFORE = "(\\w*_)?";

    // Of the classes of layers, as words: batch_norm2d, conv_transpose2d, id_embedding.
    private static final Pattern NORM_TYPE = Pattern.compile(BEFORE + "\\w*norm(\\d?d)?");
    private static final Pattern SLOPE_TYPE = Pattern.compile("pre_?lu|multiplication");
    private static final Pattern TRANSPOSED_TYPE =
            Pattern.compile(BEFORE + "(conv\\d?d?_transpose\\w*|conv1_d)");
    private static final Pattern MATRIX_TYPE =
            Pattern.compile(BEFORE + "(linear|conv\\d?d?|convolution|deconvolution)");
    private static final Pattern EMBEDDING_TYPE = Pattern.compile(BEFORE + "embedding(_bag)?");
    private static final Map<String, Integer> GATES =
            Map.of("rnn", 1, "gru", 3, "lstm", 4, "rnncell", 1, "grucell", 3, "lstmcell", 4);

    // Of parameters, and of the layers that hold them, as words.
    private static final Pattern WEIGHT_NAME = Pattern.compile(".*(weight|kernel|embedding).*");
    private static final Pattern BIAS_NAME = Pattern.compile(BEFORE + "(bias|beta|shift)(_\\w*)?");
    private static final Pattern SCALE_NAME =
            Pattern.compile(BEFORE + "(gamma|beta|scale|shift|gain)(_?\\d+)?");
    private static final Pattern NORM_NAME = Pattern.compile(BEFORE + "(\\w*norm|bn|ln)_?\\w{0,3}");
    private static final Pattern POSITION =
            Pattern.compile(BEFORE + "(pos|positions?|positional|pe|wpe)(_\\w*)?");
    private static final Pattern TABLE_NAME = Pattern.compile(".*(emb|enc|table|wpe).*");
    private static final Pattern TOKEN =
            Pattern.compile(
                    BEFORE
                            + "((cls|class|mask|dist|distillation|register|query|prompt)"
                            + "_(token|emb|embed|embedding)s?|cls)");
    private static final Pattern RECURRENT_NAME =
            Pattern.compile("weight_(ih|hh)((_l\\d+)?(_reverse)?)");

    /** The parameters beside this one in its layer, with it, by the last part of their names. */
    private final Map<String, Parameter> siblings = new HashMap<>();

    private final Parameter parameter;
    private final String name;
    private final String layer;
    private final List<String> types;
    private final int groups;
    private final boolean isTyped;

    private ParameterRoles(Block owner, String key, String path, Parameter parameter) {
        this.parameter = parameter;
        String prefix = key.substring(0, key.lastIndexOf('.') + 1);
        for (Pair<String, Parameter> pair : owner.getDirectParameters()) {
            String other = pair.getKey();
            if (other.startsWith(prefix) && !other.substring(prefix.length()).contains(".")) {
                siblings.put(words(other.substring(prefix.length())), pair.getValue());
            }
        }
        name = words(key.substring(prefix.length()));
        layer = words(layer(path));
        Optional<Submodule> submodule =
                owner instanceof ModuleBlock module ? module.submodule(key) : Optional.empty();
        // The types of a loaded module's parameters are guesses of DJL by any part of their names.
        isTyped = !(owner instanceof AbstractSymbolBlock) && !(owner instanceof ModuleBlock);
        types = isTyped ? classes(owner) : submodule.map(s -> words(s.type())).stream().toList();
        groups = submodule.map(Submodule::groups).orElseGet(() -> groups(owner, parameter));
    }

    /**
     * Returns what a parameter is.
     *
     * @param owner the block that holds it
     * @param key its name in that block
     * @param path its path in the network
     * @param parameter the parameter, initialised
     */
    static ParameterRole of(Block owner, String key, String path, Parameter parameter) {
        return new ParameterRoles(owner, key, path, parameter).role();
    }

    private ParameterRole role() {
        if (shape().size() == 0) {
            return new ParameterRole(Kind.OTHER);
        }
        ParameterRole role = withoutNormalisation();
        Optional<Parameter> magnitudes = magnitudes().filter(Parameter::isInitialized);
        return magnitudes.isPresent() && role.kind().isWeight()
                ? new ParameterRole(role.kind(), role.parts(), shape(magnitudes.get()))
                : role;
    }

    /** Weight normalisation: the magnitudes beside the vectors whose directions alone count. */
    private Optional<Parameter> magnitudes() {
        if (name.endsWith("weight_v")) {
            return Optional.ofNullable(siblings.get(name.replace("weight_v", "weight_g")));
        }
        return name.equals("original1")
                ? Optional.ofNullable(siblings.get("original0"))
                : Optional.empty();
    }

    private ParameterRole withoutNormalisation() {
        return byType().or(this::byName)
                .or(this::byClass)
                .or(this::recurrent)
                .or(this::byBias)
                .or(this::byWords)
                .orElseGet(this::byShape);
    }

    /** What DJL says of it. */
    private Optional<ParameterRole> byType() {
        return !isTyped
                ? Optional.empty()
                : switch (parameter.getType()) {
                    case BIAS -> role(Kind.BIAS);
                    case GAMMA, BETA -> role(Kind.NORM);
                    default -> Optional.empty();
                };
    }

    /** What holds in layers of every class. */
    private Optional<ParameterRole> byName() {
        boolean isNorm = is(NORM_TYPE) || isScaleBesideShift();
        if (isNorm) {
            return role(Kind.NORM);
        }
        if (BIAS_NAME.matcher(name).matches()) {
            return role(Kind.BIAS);
        }
        boolean isMagnitude =
                name.endsWith("weight_g")
                        || (name.equals("original0") && siblings.containsKey("original1"));
        return isMagnitude || is(SLOPE_TYPE) ? role(Kind.OTHER) : Optional.empty();
    }

    /** A normalisation's scale has the shape of its shift; a matrix never has that of its bias. */
    private boolean isScaleBesideShift() {
        boolean isShift = BIAS_NAME.matcher(name).matches();
        return siblings.entrySet().stream()
                .filter(other -> other.getValue() != parameter)
                .filter(other -> other.getValue().isInitialized())
                .filter(other -> shape(other.getValue()).equals(shape()))
                .anyMatch(
                        other ->
                                isShift
                                        ? other.getKey().equals("weight")
                                                || SCALE_NAME.matcher(other.getKey()).matches()
                                        : BIAS_NAME.matcher(other.getKey()).matches()
                                                || other.getValue().getType()
                                                        == Parameter.Type.BETA);
    }

    /** What the weights of well-known layers are. */
    private Optional<ParameterRole> byClass() {
        int rank = shape().dimension();
        if (rank < 2 || !WEIGHT_NAME.matcher(name).matches()) {
            return Optional.empty();
        }
        for (String type : types) {
            if (GATES.containsKey(type)) {
                return Optional.of(new ParameterRole(Kind.RECURRENT_WEIGHT, GATES.get(type)));
            }
            if (type.equals("linear_collection")) {
                return role(Kind.WEIGHT_COLLECTION);
            }
            // DJL's own transposed convolution has its filters first, as any convolution there.
            boolean isOwn = isTyped && types.contains("deconvolution");
            if (TRANSPOSED_TYPE.matcher(type).matches() && !isOwn) {
                return Optional.of(new ParameterRole(Kind.TRANSPOSED_WEIGHT, groups));
            }
            if (MATRIX_TYPE.matcher(type).matches()) {
                return Optional.of(new ParameterRole(Kind.WEIGHT, groups));
            }
            if (EMBEDDING_TYPE.matcher(type).matches() && rank == 2) {
                return role(isPosition(type) || isPosition(layer) ? Kind.OTHER : Kind.EMBEDDING);
            }
        }
        return Optional.empty();
    }

    /** A bias has a value for each output, and so tells along which axis these lie. */
    private Optional<ParameterRole> byBias() {
        Parameter bias = siblings.get(name.replace("weight", "bias"));
        Shape shape = shape();
        if (shape.dimension() < 2
                || !name.contains("weight")
                || bias == null
                || !bias.isInitialized()
                || shape(bias).dimension() != 1) {
            return Optional.empty();
        }
        long outputs = shape(bias).get(0);
        if (outputs == shape.get(0)) {
            return Optional.of(new ParameterRole(Kind.WEIGHT, groups));
        } else if (outputs % shape.get(1) == 0) {
            int parts = Math.toIntExact(outputs / shape.get(1));
            return Optional.of(new ParameterRole(Kind.TRANSPOSED_WEIGHT, parts));
        }
        return Optional.empty();
    }

    /** The gates are told by the matrix beside it that the state is multiplied by, if there is. */
    private Optional<ParameterRole> recurrent() {
        var matcher = RECURRENT_NAME.matcher(name);
        if (shape().dimension() < 2 || !matcher.matches()) {
            return Optional.empty();
        }
        long rows = shape().get(0);
        int gates =
                Optional.ofNullable(siblings.get("weight_hh" + matcher.group(2)))
                        .filter(Parameter::isInitialized)
                        .map(ParameterRoles::shape)
                        .filter(state -> state.dimension() > 1 && rows % state.get(1) == 0)
                        .map(state -> Math.toIntExact(rows / state.get(1)))
                        .orElse(1);
        return Optional.of(new ParameterRole(Kind.RECURRENT_WEIGHT, gates));
    }

    /** What names tell where nothing better is known. */
    private Optional<ParameterRole> byWords() {
        boolean isWeight = name.equals("weight");
        boolean isOfNorm = isWeight && NORM_NAME.matcher(layer).matches();
        if (isOfNorm || SCALE_NAME.matcher(name).matches()) {
            return role(Kind.NORM);
        }
        boolean isTable =
                isPosition(name)
                        || TOKEN.matcher(name).matches()
                        || types.stream().anyMatch(ParameterRoles::isPosition)
                        || (isWeight && isPosition(layer) && TABLE_NAME.matcher(layer).matches());
        return isTable ? role(Kind.OTHER) : Optional.empty();
    }

    /**
     * A matrix has two axes at least. What has more but is a vector, or stands there once for all
     * of a batch, is added or multiplied as it is.
     */
    private ParameterRole byShape() {
        long[] sizes = shape().getShape();
        long axes = LongStream.of(sizes).filter(size -> size != 1).count();
        boolean isVector = sizes.length > 2 && axes < 2;
        boolean isTable = sizes.length == 3 && sizes[0] == 1 && !name.equals("weight");
        boolean isMatrix = sizes.length >= 2 && !isVector && !isTable;
        return new ParameterRole(isMatrix ? Kind.WEIGHT : Kind.OTHER, isMatrix ? groups : 1);
    }

    private boolean is(Pattern type) {
        return types.stream().anyMatch(t -> type.matcher(t).matches());
    }

    private static boolean isPosition(String words) {
        return POSITION.matcher(words).matches();
    }

    private Shape shape() {
        return shape(parameter);
    }

    private static Shape shape(Parameter parameter) {
        return parameter.getArray().getShape();
    }

    private static Optional<ParameterRole> role(Kind kind) {
        return Optional.of(new ParameterRole(kind));
    }

    /** Returns the last part of a path but the parameter, without the number DJL puts before. */
    private static String layer(String path) {
        int end = path.lastIndexOf('.');
        String layer = path.substring(path.lastIndexOf('.', end - 1) + 1, Math.max(0, end));
        return layer.replaceFirst("^\\d\\d+(?=\\D)", "");
    }

    /** The names of a block's class and those it is made from. */
    private static List<String> classes(Block block) {
        List<String> names = new ArrayList<>();
        for (Class<?> c = block.getClass(); c != null && c != Object.class; c = c.getSuperclass()) {
            names.add(words(c.getSimpleName()));
        }
        return names;
    }

    private static int groups(Block block, Parameter parameter) {
        if (block instanceof Convolution convolution) {
            return convolution.getGroups();
        }
        if (block instanceof Deconvolution && parameter.getArray().getShape().dimension() > 1) {
            long channels = block.describeInput().valueAt(0).get(1);
            return Math.toIntExact(channels / parameter.getArray().getShape().get(1));
        }
        return 1;
    }

    /** Turns {@code BatchNorm2d} and {@code positionEmbedding} into words with lines between. */
    private static String words(String name) {
        return name.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
    }
}
