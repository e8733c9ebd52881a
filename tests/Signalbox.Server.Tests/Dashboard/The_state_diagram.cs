using System.Globalization;
using System.Text.RegularExpressions;
using Signalbox.Queries;
using Signalbox.Server.Dashboard.Runs;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class The_state_diagram
{
    private static readonly WorkflowDefinition s_alerts = new("alerts", 1, "Triage",
    [
        State("Triage", "Investigate", "Closed"), State("Investigate", "Decide", "Escalate"), State("Decide", "Execute", "Escalate", "Closed"), State("Execute", "Verify", "Rollback", "Escalate"),
        State("Verify", "Closed", "Rollback"), State("Rollback", "Escalate", "Closed"), State("Escalate", "Execute", "Closed"), new("Closed", "success"),
    ]);

    [Fact]
    public void Leads_downwards_from_the_start_and_marks_what_leads_back()
    {
        var diagram = StateDiagram.Of(s_alerts, []);

        Assert.Equal(0, Order(diagram, "Triage"));
        Assert.All(diagram.Edges.Where(e => !e.IsBack), e => Assert.True(Top(diagram, e.From) < Top(diagram, e.To), $"{e.From} -> {e.To}"));
        var back = Assert.Single(diagram.Edges, e => e.IsBack);
        Assert.Equal(("Escalate", "Execute"), (back.From, back.To));
        Assert.Equal("success", diagram.Boxes.Single(b => b.Name == "Closed").End);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(8, 14)]
    [InlineData(20, 60)]
    [InlineData(50, 150)]
    [InlineData(50, 600)]
    public void Draws_every_edge_and_lays_no_box_on_another(int states, int edges)
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var definition = Random(states, edges, seed);
            var diagram = StateDiagram.Of(definition, []);

            Assert.Equal(states, diagram.Boxes.Count);
            Assert.Equal(definition.States.SelectMany(s => s.To.Select(t => (s.Name, t))).Order(), diagram.Edges.Select(e => (e.From, e.To)).Order());
            Assert.All(diagram.Boxes, b => Assert.True(b.X >= 0 && b.Y >= 0 && b.Right <= diagram.Width && b.Bottom <= diagram.Height, $"{b} of {diagram.Width} x {diagram.Height}"));
            foreach (var a in diagram.Boxes)
            {
                Assert.DoesNotContain(diagram.Boxes, b => b != a && a.X < b.Right && b.X < a.Right && a.Y < b.Bottom && b.Y < a.Bottom);
            }

            Assert.All(diagram.Edges.Where(e => e.From != e.To), edge => LeadsAroundBoxes(diagram, edge));
        }
    }

    [Fact]
    public void Is_the_same_for_the_same_states()
    {
        var (one, two) = (StateDiagram.Of(Random(30, 90, 7), []), StateDiagram.Of(Random(30, 90, 7), []));

        Assert.Equal(one.Boxes, two.Boxes);
        Assert.Equal(one.Edges.Select(e => e.Path), two.Edges.Select(e => e.Path));
    }

    [Fact]
    public void Shows_the_path_that_a_run_took()
    {
        var diagram = StateDiagram.Of(s_alerts, Visits("Triage", "Investigate", "Decide", "Execute", "Rollback", "Escalate", "Execute", "Verify"), RunStatus.Failed);

        Assert.Equal([2], Edge(diagram, "Triage", "Investigate").Taken);
        Assert.Equal([7], Edge(diagram, "Escalate", "Execute").Taken);
        Assert.Empty(Edge(diagram, "Triage", "Closed").Taken);
        Assert.Equal(2, diagram.Boxes.Single(b => b.Name == "Execute").Visits);
        Assert.Equal("Verify", Assert.Single(diagram.Boxes, b => b.IsFailed).Name);
    }

    [Fact]
    public void Shows_what_visits_tell_where_the_definition_is_missing()
    {
        var diagram = StateDiagram.Of(null, Visits("A", "B", "A", "A"));

        Assert.Equal(["A", "B"], diagram.Boxes.Select(b => b.Name));
        Assert.Equal([("A", "A"), ("A", "B"), ("B", "A")], diagram.Edges.Select(e => (e.From, e.To)).Order());
        Assert.True(diagram.Boxes[0].HasLoop);
    }

    [Fact]
    public void Marks_a_transition_that_was_never_declared()
    {
        var diagram = StateDiagram.Of(s_alerts, Visits("Triage", "Rollback"));

        Assert.False(Edge(diagram, "Triage", "Rollback").IsDeclared);
        Assert.Equal(17, diagram.Edges.Count);
    }

    private static StateDefinition State(string name, params string[] to) => new(name) { To = [.. to] };

    private static VisitView[] Visits(params string[] states) => [.. states.Select((s, i) => new VisitView(i + 1, s, i == 0 ? null : states[i - 1], "", "", i, i + 1, i))];

    private static WorkflowDefinition Random(int states, int edges, int seed)
    {
        var random = new Random(seed);
        var to = Enumerable.Range(0, states).Select(_ => new SortedSet<int>()).ToArray();
        for (var i = 0; i < edges; i++)
        {
            to[random.Next(states)].Add(random.Next(states));
        }

        return new("random", 1, "S0", [.. to.Select((t, i) => State($"S{i}", [.. t.Select(n => $"S{n}")]))]);
    }

    private static StateEdge Edge(StateDiagram diagram, string from, string to) => diagram.Edges.Single(e => e.From == from && e.To == to);

    private static double Top(StateDiagram diagram, string state) => diagram.Boxes.Single(b => b.Name == state).Y;

    private static int Order(StateDiagram diagram, string state) => diagram.Boxes.Count(b => b.Y < Top(diagram, state));

    /// <summary>A path goes down from box to gap to box: at no height at which a foreign box stands is it within that box.</summary>
    private static void LeadsAroundBoxes(StateDiagram diagram, StateEdge edge)
    {
        var numbers = Regex.Matches(edge.Path, "-?[0-9.]+").Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(0, numbers.Length % 8); // each leg: where it begins, and a curve of three points
        for (var i = 0; i < numbers.Length; i += 8)
        {
            var (x1, y1, x2, y2) = (numbers[i], numbers[i + 1], numbers[i + 6], numbers[i + 7]);
            Assert.True(y1 < y2);
            Assert.DoesNotContain(diagram.Boxes, b => b.Bottom > y1 + 0.1 && b.Y < y2 - 0.1 && b.Right > Math.Min(x1, x2) && b.X < Math.Max(x1, x2)); // the gap between two layers holds no box
            if (i > 0)
            {
                Assert.Equal(numbers[i - 2], x1, 0.11); // through a layer it goes straight, and between that layer's boxes
                Assert.DoesNotContain(diagram.Boxes, b => b.Y >= numbers[i - 1] - 0.2 && b.Bottom <= y1 + 0.2 && b.X < x1 && x1 < b.Right);
            }
        }
    }
}
