// Goal: requests bear the signatures that AWS publishes.
// Sources: the examples of "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk" in
// the Amazon S3 API Reference (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), and the Signature
// Version 4 test suite of AWS (github.com/awslabs/aws-c-auth, tests/aws-signing-test-suite/v4).
import { AwsV4Signer } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import { EMPTY_SHA256, signRequest } from '../src/sign-request.ts';

const s3 = {
  credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  region: 'us-east-1',
  atMs: Date.UTC(2013, 4, 24),
};

interface Example {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly sha256?: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

const examples: readonly Example[] = [
  {
    name: 'PUT Object',
    method: 'PUT',
    path: '/test$file.text',
    headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    sha256: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    signedHeaders: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET Object',
    method: 'GET',
    path: '/test.txt',
    headers: { range: 'bytes=0-9' },
    signedHeaders: 'host;range;x-amz-content-sha256;x-amz-date',
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'GET Bucket Lifecycle',
    method: 'GET',
    path: '/?lifecycle',
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'GET Bucket (List Objects)',
    method: 'GET',
    path: '/?max-keys=2&prefix=J',
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
];

describe('the examples of the S3 API Reference', () => {
  it.each(examples)(
    '$name',
    async ({ method, path, headers = {}, sha256 = EMPTY_SHA256, signedHeaders, signature }) => {
      const url = new URL(`https://examplebucket.s3.amazonaws.com${path}`);
      const signed = await signRequest({ method, url, headers, sha256, ...s3 });
      expect(signed).toMatchObject({
        ...headers,
        'x-amz-date': '20130524T000000Z',
        'x-amz-content-sha256': sha256,
        authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=${signedHeaders}, Signature=${signature}`,
      });
    },
  );
});

// The suite's service is no S3, so these ask the signer below `signRequest`.
describe('the Signature Version 4 test suite', () => {
  const unreserved = '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const token = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267';
  it.each([
    ['get-vanilla', 'GET', '/', undefined, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', undefined, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-unreserved',
      'GET',
      unreserved,
      undefined,
      '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
    ],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      undefined,
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-with-session-token',
      'GET',
      '/',
      token,
      '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
    ],
  ])('%s', async (_name, method, path, sessionToken, signature) => {
    const signer = new AwsV4Signer({
      method,
      url: `https://example.amazonaws.com${path}`,
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 'service',
      region: 'us-east-1',
      datetime: '20150830T123600Z',
      allHeaders: true,
    });
    const names = sessionToken === undefined ? 'host;x-amz-date' : 'host;x-amz-date;x-amz-security-token';
    expect((await signer.sign()).headers.get('authorization')).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
    );
  });
});
