package io.flipout.mask;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Says which parameters of a network may be pruned.
 *
 * <p>By default these are the trainable matrices of weights: those of convolutions, linear and
 * recurrent layers and embeddings. Biases and the scales and shifts of normalisation layers, of
 * whatever rank, stay dense unless asked for. So does whatever else is no matrix: slopes of
 * activations, magnitudes of weight normalisation, class tokens, tables of positions. Patterns
 * match the whole block path; {@code *} stands for any run of characters and {@code ?} for one.
 *
 * <p>What a parameter is ({@link ParameterRole}) is known by this evidence, the first that speaks:
 *
 * <ol>
 *   <li>DJL's {@link Parameter.Type}, which tells biases and normalisations of blocks; of loaded
 *       modules it is guessed and does not count
 *   <li>the class of the layer, if that normalises ({@code LayerNorm}, {@code BatchNorm2d}, …); a
 *       shift beside it of the same shape, which a matrix never has; a name that says bias; {@code
 *       weight_g} and what else has the magnitudes of weight normalisation; the slopes of {@code
 *       PReLU}
 *   <li>the class of a layer that has weights, of a block or of its superclasses, or of the part of
 *       a module that the file names ({@link ModuleBlock}): {@code Linear}, {@code Conv2d}, {@code
 *       ConvTranspose2d}, {@code LSTM}, {@code Embedding}, unless that is named after positions
 *   <li>a bias beside it with a value for each output, which is a matrix's
 *   <li>names of parameters and layers where nothing better is known: {@code gamma}, {@code scale},
 *       {@code norm1.weight}, {@code pos_embed}, {@code cls_token} and the like
 *   <li>the shape: two axes or more are a matrix, but not if all others but one have length 1, nor
 *       if three begin with a 1
 * </ol>
 */
public final class WeightSelector {

    private final List<String> includes;
    private final List<String> excludes;
    private final boolean biases;
    private final boolean norms;
    private final boolean others;

    private WeightSelector(Builder builder) {
        includes = List.copyOf(builder.includes);
        excludes = List.copyOf(builder.excludes);
        biases = builder.biases;
        norms = builder.norms;
        others = builder.others;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Lists the trainable parameters of a network and marks those that may be pruned.
     *
     * @param block an initialised network
     * @return every parameter that takes a gradient, in block order
     * @throws IllegalArgumentException if a pattern matches no weight, or nothing is left to prune
     */
    public List<ParameterInfo> select(Block block) {
        return select(block, Parameter::requiresGradient);
    }

    /**
     * Lists some parameters of a network and marks those that may be pruned.
     *
     * @param block an initialised network
     * @param takesPart whether a parameter is listed
     * @return the parameters, in block order
     * @throws IllegalArgumentException if a pattern matches no weight, or nothing is left to prune
     */
    public List<ParameterInfo> select(Block block, Predicate<Parameter> takesPart) {
        List<Pattern> include = includes.stream().map(WeightSelector::glob).toList();
        List<Pattern> exclude = excludes.stream().map(WeightSelector::glob).toList();
        boolean[] used = new boolean[include.size() + exclude.size()];
        List<ParameterInfo> infos = new ArrayList<>();
        List<String> candidates = new ArrayList<>();
        for (Map.Entry<String, BlockPaths.Entry> entry : BlockPaths.entries(block).entrySet()) {
            Parameter parameter = entry.getValue().parameter();
            if (!takesPart.test(parameter)) {
                continue;
            }
            String path = entry.getKey();
            ParameterRole role = role(path, entry.getValue());
            boolean prunable = isCandidate(role);
            if (prunable) {
                candidates.add(path);
                boolean included = matches(include, path, used, 0) || include.isEmpty();
                boolean excluded = matches(exclude, path, used, include.size());
                prunable = included && !excluded;
            }
            infos.add(new ParameterInfo(infos.size(), path, parameter, prunable, role));
        }
        for (int i = 0; i < used.length; i++) {
            if (!used[i]) {
                String pattern =
                        i < include.size() ? includes.get(i) : excludes.get(i - include.size());
                throw new IllegalArgumentException(
                        "The pattern '" + pattern + "' matches no weight; there are " + candidates);
            }
        }
        if (infos.stream().noneMatch(ParameterInfo::prunable)) {
            throw new IllegalArgumentException(
                    "Nothing is left to prune; the network's weights are " + candidates);
        }
        return infos;
    }

    private static ParameterRole role(String path, BlockPaths.Entry entry) {
        if (!entry.parameter().isInitialized()) {
            throw new IllegalArgumentException(
                    "The parameter "
                            + path
                            + " is not initialised: call trainer.initialize(shape) first.");
        }
        return ParameterRoles.of(entry.block(), entry.name(), path, entry.parameter());
    }

    private boolean isCandidate(ParameterRole role) {
        return switch (role.kind()) {
            case BIAS -> biases;
            case NORM -> norms;
            case OTHER -> others;
            default -> true;
        };
    }

    /** Marks every pattern that matches, so that a later one is not taken for a typing error. */
    private static boolean matches(List<Pattern> patterns, String path, boolean[] used, int base) {
        boolean any = false;
        for (int i = 0; i < patterns.size(); i++) {
            if (patterns.get(i).matcher(path).matches()) {
                used[base + i] = true;
                any = true;
            }
        }
        return any;
    }

    private static Pattern glob(String pattern) {
        return Pattern.compile(
                pattern.chars()
                        .mapToObj(
                                c ->
                                        switch (c) {
                                            case '*' -> ".*";
                                            case '?' -> ".";
                                            default -> Pattern.quote(Character.toString(c));
                                        })
                        .collect(Collectors.joining()));
    }

    /** Builds a {@link WeightSelector}. */
    public static final class Builder {

        private final List<String> includes = new ArrayList<>();
        private final List<String> excludes = new ArrayList<>();
        private boolean biases;
        private boolean norms;
        private boolean others;

        private Builder() {}

        /**
         * Prunes only the weights whose path matches one of these patterns.
         *
         * @param patterns patterns of block paths, such as {@code layer1.*}
         * @return this builder
         */
        public Builder optInclude(String... patterns) {
            includes.addAll(Arrays.asList(patterns));
            return this;
        }

        /**
         * Leaves the weights alone whose path matches one of these patterns.
         *
         * @param patterns patterns of block paths, such as {@code *.conv1.weight}
         * @return this builder
         */
        public Builder optExclude(String... patterns) {
            excludes.addAll(Arrays.asList(patterns));
            return this;
        }

        /**
         * Prunes biases too.
         *
         * @param biases true to prune biases, default false
         * @return this builder
         */
        public Builder optBiases(boolean biases) {
            this.biases = biases;
            return this;
        }

        /**
         * Prunes the scales and shifts of normalisation layers too.
         *
         * @param norms true to prune them, default false
         * @return this builder
         */
        public Builder optNorms(boolean norms) {
            this.norms = norms;
            return this;
        }

        /**
         * Prunes parameters too that are neither matrices of weights nor biases nor of a
         * normalisation, such as class tokens and tables of positions; {@link #optInclude} says
         * which.
         *
         * @param others true to prune them, default false
         * @return this builder
         */
        public Builder optOthers(boolean others) {
            this.others = others;
            return this;
        }

        /**
         * Builds the selector.
         *
         * @return the selector
         * @throws IllegalArgumentException if a pattern is blank
         */
        public WeightSelector build() {
            if (includes.stream().anyMatch(String::isBlank)
                    || excludes.stream().anyMatch(String::isBlank)) {
                throw new IllegalArgumentException(
                        "A pattern of weights is blank; '*' matches every weight.");
            }
            return new WeightSelector(this);
        }
    }
}
