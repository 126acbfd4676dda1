package io.flipout.cli;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.properties.HasOwner;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.flipout.tensor.Transfers;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The plan of the house: who may know whom. */
class HouseTest {

    private static final Set<String> READING =
            Set.of(
                    "toDevice",
                    "toArray",
                    "toByteBuffer",
                    "toFloatArray",
                    "toDoubleArray",
                    "toIntArray",
                    "toLongArray",
                    "toByteArray",
                    "toUint8Array",
                    "toBooleanArray",
                    "getFloat",
                    "getDouble",
                    "getInt",
                    "getLong",
                    "getByte",
                    "getUint8",
                    "getBoolean");

    private static JavaClasses house;

    @BeforeAll
    static void read() {
        ImportOption noTests =
                location -> !location.contains("-tests.jar") && !location.contains("/test");
        house =
                new ClassFileImporter()
                        .withImportOption(noTests)
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("io.flipout");
    }

    @Test
    void modulesKnowWhatIsBelow() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("io.flipout..")
                .layer("command line")
                .definedBy("io.flipout.cli..")
                .layer("djl")
                .definedBy("io.flipout.djl..", "io.flipout.graph..", "io.flipout.inference..")
                .layer("models")
                .definedBy("io.flipout.models..")
                .layer("core")
                .definedBy(
                        "io.flipout.adjustment..",
                        "io.flipout.allocation..",
                        "io.flipout.criterion..",
                        "io.flipout.gradient..",
                        "io.flipout.latent..",
                        "io.flipout.mask..",
                        "io.flipout.method..",
                        "io.flipout.report..",
                        "io.flipout.rewind..",
                        "io.flipout.rewiring..",
                        "io.flipout.schedule..",
                        "io.flipout.signal..",
                        "io.flipout.tensor..")
                .whereLayer("command line")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("djl")
                .mayOnlyBeAccessedByLayers("command line")
                .whereLayer("models")
                .mayOnlyBeAccessedByLayers("command line")
                .whereLayer("core")
                .mayOnlyBeAccessedByLayers("djl", "command line")
                .ensureAllClassesAreContainedInArchitectureIgnoring("io.flipout")
                .check(house);
    }

    @Test
    void coreAndModelsKnowTheApiOfDjlAlone() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "io.flipout.cli..", "io.flipout.djl..", "io.flipout.inference..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("ai.djl.pytorch..", "ai.djl.basicdataset..", "ai.djl.zoo..")
                .check(house);
    }

    @Test
    void theEngineKnowsTheFilesAndBothKnowTheGraph() {
        noClasses()
                .that()
                .resideInAPackage("io.flipout.graph..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.flipout.djl..", "io.flipout.inference..", "ai.djl..")
                .check(house);
        noClasses()
                .that()
                .resideInAPackage("io.flipout.djl..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.flipout.inference..")
                .check(house);
    }

    @Test
    void roomsOfTheCommandLineKnowWhatIsBelow() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("io.flipout.cli..")
                .layer("commands")
                .definedBy("io.flipout.cli")
                .layer("bench")
                .definedBy("io.flipout.cli.bench..")
                .layer("report")
                .definedBy("io.flipout.cli.report..")
                .layer("spark")
                .definedBy("io.flipout.cli.spark..")
                .layer("training")
                .definedBy("io.flipout.cli.training..")
                .layer("network")
                .definedBy("io.flipout.cli.network..")
                .layer("method")
                .definedBy("io.flipout.cli.method..")
                .layer("comparison")
                .definedBy("io.flipout.cli.comparison..")
                .layer("run")
                .definedBy("io.flipout.cli.run..")
                .layer("option")
                .definedBy("io.flipout.cli.option..")
                .layer("terminal")
                .definedBy("io.flipout.cli.terminal..")
                .whereLayer("commands")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("bench")
                .mayOnlyBeAccessedByLayers("commands")
                .whereLayer("report")
                .mayOnlyBeAccessedByLayers("commands")
                .whereLayer("spark")
                .mayOnlyBeAccessedByLayers("commands")
                .whereLayer("training")
                .mayOnlyBeAccessedByLayers("commands")
                .whereLayer("network")
                .mayOnlyBeAccessedByLayers("commands", "bench", "training")
                .whereLayer("method")
                .mayOnlyBeAccessedByLayers("commands", "bench", "training")
                .whereLayer("comparison")
                .mayOnlyBeAccessedByLayers("commands", "report", "spark", "method")
                .whereLayer("run")
                .mayOnlyBeAccessedByLayers(
                        "commands", "report", "spark", "training", "network", "comparison")
                .whereLayer("option")
                .mayOnlyBeAccessedByLayers("commands", "bench", "training", "network", "run")
                .check(house);
    }

    /** It is fetched where it is asked for, and stays in processes of its own. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "org.apache.spark.SparkConf",
                "scala.Option",
                "org.apache.hadoop.conf.Configuration",
                "io.flipout.spark.Driver"
            })
    void sparkIsOnNoClassPathOfTheCommandLine(String name) {
        assertThatThrownBy(() -> Class.forName(name)).isInstanceOf(ClassNotFoundException.class);
    }

    @Test
    void noRoomsKnowEachOtherInACircle() {
        slices().matching("io.flipout.(**)").should().beFreeOfCycles().check(house);
    }

    /** PyTorch warns of these ways of DJL, on a stream that nobody can close. */
    @Test
    void arraysAreSetToOtherArrays() {
        noClasses()
                .should()
                .callMethodWhere(
                        target(owner(assignableTo(NDArray.class)))
                                .and(
                                        describe(
                                                "copies into an array",
                                                call ->
                                                        call.getName().equals("copyTo")
                                                                || (call.getName().equals("set")
                                                                        && call.getTarget()
                                                                                        .getRawParameterTypes()
                                                                                        .size()
                                                                                == 1))))
                .check(house);
    }

    /** DJL would leave a copy in the host's memory each time that an array of a GPU is read. */
    @Test
    void arraysCrossDevicesInOnePlace() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName(Transfers.class.getName())
                .and()
                .areNotAssignableTo(NDArray.class)
                .should()
                .accessTargetWhere(
                        JavaAccess.Predicates.target(
                                        HasOwner.Predicates.With.<JavaClass>owner(
                                                assignableTo(NDArray.class)))
                                .and(
                                        describe(
                                                "reads an array or moves it",
                                                access ->
                                                        READING.contains(
                                                                access.getTarget().getName()))))
                .check(house);
    }

    /**
     * DJL would make each number an array on the GPU, and wait for it; those of clip it hands on.
     */
    @Test
    void numbersOfAStepComeFromTheHost() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "io.flipout.djl.training..", "io.flipout.gradient..", "io.flipout.tensor..")
                .should()
                .callMethodWhere(
                        target(owner(assignableTo(NDArray.class)))
                                .and(describe("takes a number", HouseTest::takesNumber)))
                .check(house);
    }

    private static boolean takesNumber(JavaCall<?> call) {
        return !call.getName().equals("clip")
                && call.getTarget().getRawParameterTypes().stream()
                        .anyMatch(type -> type.isEquivalentTo(Number.class));
    }
}
