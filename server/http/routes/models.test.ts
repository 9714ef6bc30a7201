import { expect } from 'vitest';
import { expectProblem } from '../../testing/problem.ts';
import { withApp } from '../../testing/withApp.ts';

withApp('GET /models lists the served models', async ({ request, model }) => {
  const answer = await request('/models');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(JSON.parse(answer.text)).toEqual({
    models: [
      {
        name: 'adult',
        version: 1,
        default: true,
        served: true,
        state: 'ready',
        engine: 'onnxruntime',
        path: 'whole',
        description: model.signature.description,
      },
    ],
  });
});

withApp("GET /models/{name} gives the model's signature, and no path", async ({ request, model }) => {
  const answer = await request('/models/adult');
  expect(answer.status).toBe(200);
  // The distributions of the training data are larger than all the rest, and /drift has them.
  const facts: unknown = JSON.parse(JSON.stringify(model.signature), (key, value: unknown) =>
    key === 'distribution' || key === 'tensor' ? undefined : value,
  );
  expect(JSON.stringify(facts)).not.toBe(JSON.stringify(model.signature));
  expect(JSON.parse(answer.text)).toEqual(
    expect.objectContaining({ name: 'adult', version: 1, ...(facts as object) }),
  );
  expect(answer.text).not.toContain(model.path);
});

withApp('an unknown model is 404, and its name is not repeated', async ({ request }) => {
  for (const name of ['nope', 'Adult', 'adult%2F1', '%ff', '%zz', '__proto__', '..%2f..%2fetc%2fpasswd']) {
    const answer = await request(`/models/${name}`);
    const { detail } = expectProblem(answer, 'model_not_found');
    expect(detail).toBe('There is no such model; GET /models lists those that are served.');
  }
});

withApp('both answer only JSON', async ({ request }) => {
  for (const path of ['/models', '/models/adult']) {
    expectProblem(await request(path, { headers: { accept: 'text/html' } }), 'not_acceptable');
  }
});
