package io.flipout.cli.method;

import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The recipes of all methods, each with options of its own, in the order of the README's table. */
final class Recipes {

    private final List<Recipe> all;

    /** By the name of an option, the recipe that it is of. */
    private final Map<String, Recipe> owners = new HashMap<>();

    Recipes() {
        FlipOutRecipe flipout = new FlipOutRecipe();
        DeepRRecipe deepR = new DeepRRecipe();
        GradualMagnitudeRecipe gmp = new GradualMagnitudeRecipe();
        OptimalBrainDamageRecipe obd = new OptimalBrainDamageRecipe();
        RigLRecipe rigl = new RigLRecipe();
        all =
                List.of(
                        flipout,
                        new AdaptiveFlipOutRecipe(flipout, rigl),
                        new GlobalMagnitudeRecipe("global-magnitude", 0),
                        new GlobalMagnitudeRecipe("noisy-global-magnitude", 1),
                        new LayerMagnitudeRecipe(),
                        new LayerAdaptiveRecipe(),
                        gmp,
                        new MovementRecipe(gmp),
                        new LotteryTicketRecipe(),
                        new MagnitudeUncertaintyRecipe(),
                        obd,
                        new OptimalBrainSurgeonRecipe(obd),
                        new SnipRecipe(),
                        new GradientSignalPreservationRecipe(),
                        new SynapticFlowRecipe(),
                        new HoyerSquareRecipe(),
                        new FilterPruningRecipe(),
                        deepR,
                        new SoftDeepRRecipe(deepR),
                        new SparseEvolutionRecipe(rigl),
                        rigl,
                        new L0Recipe(),
                        new VariationalDropoutRecipe(),
                        new DynamicSparseRecipe(),
                        new RandomRecipe(),
                        new DenseRecipe());
    }

    List<String> names() {
        return all.stream().map(Recipe::name).toList();
    }

    Optional<Recipe> find(String name) {
        return all.stream().filter(recipe -> recipe.name().equals(name)).findFirst();
    }

    /**
     * Returns the recipe of a name.
     *
     * @throws IllegalArgumentException if there is none
     */
    Recipe named(String name) {
        return find(name)
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "Unknown method '"
                                                + name
                                                + "'; there are "
                                                + String.join(", ", names())
                                                + "."));
    }

    /** Adds the options of each recipe to a command, under a heading of its own. */
    void addOptions(CommandSpec command) {
        for (Recipe recipe : all) {
            CommandSpec options = CommandSpec.forAnnotatedObjectLenient(recipe);
            if (!options.options().isEmpty()) {
                ArgGroupSpec.Builder group =
                        ArgGroupSpec.builder()
                                .heading("%nOptions of " + recipe.name() + ":%n")
                                .validate(false);
                for (OptionSpec option : options.options()) {
                    group.addArg(option);
                    owners.put(option.longestName(), recipe);
                }
                command.addArgGroup(group.build());
            }
        }
    }

    /** Returns the recipe that an option is of; empty if it is of none alone. */
    Optional<Recipe> owner(String option) {
        return Optional.ofNullable(owners.get(option));
    }

    /** The names of all methods, for the help. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return new Recipes().names().iterator();
        }
    }
}
